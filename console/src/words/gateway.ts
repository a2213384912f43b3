/**
 * What the gateway says by closed lists, in another language than its own. English is what the gateway says, as it
 * came; another language has its words by the API's codes, and where it has none the gateway's stand.
 */
import { useTranslation } from 'react-i18next'
import type { Of } from '../api/client'

type Difference = Of<'Difference'>
type Differences = Of<'Differences'>

/** The words of one language; a code that is missing is a type error. */
export interface GatewayWords {
  /** What happened, and what to do about it. */
  cause: Record<Of<'Cause'>, readonly [explanation: string, remedy: string]>
  phase: Record<Of<'Phase'>, string>
  owner: Record<Of<'Owner'>, string>
  source: Record<Of<'Source'>, string>
  splitBy: Record<Of<'SplitBy'>, string>
  /** What failures have in common: of a kind, with the value and its name. */
  attribute: Record<Of<'Attribute'>, (name: string, value: string) => string>
  difference: (common: string, one: Difference) => string
  finding: Record<Of<'Finding'>, (found: Differences, first: string | undefined) => string>
  /** Sentences that have no code: the gateway's own text is the key. */
  sentence: Record<string, string>
  /** How far a failure reaches. */
  scope: Record<'request' | 'key' | 'model' | 'account' | 'provider' | 'pool', string>
  model: (name: string) => string
  family: (name: string) => string
}

let spoken: GatewayWords | undefined

/** From now on these are spoken; without any the gateway speaks for itself. */
export function setGatewayWords(words: GatewayWords | undefined): void {
  spoken = words
}

/** The gateway in a language. */
export function gatewayIn(words: GatewayWords | undefined) {
  const sentenceOf = (one: Difference) => words?.difference(words.attribute[one.attribute]?.(one.name, one.value) ?? `${one.attribute} ${one.name}`, one) ?? one.sentence
  return {
    explanation: (cause: string, said: string) => words?.cause[cause as Of<'Cause'>]?.[0] ?? said,
    remedy: (cause: string, said: string) => words?.cause[cause as Of<'Cause'>]?.[1] ?? said,
    sentence: (said: string) => words?.sentence[said] ?? said,
    phase: (word: string) => words?.phase[word as Of<'Phase'>] ?? word,
    splitBy: (word: string) => words?.splitBy[word as Of<'SplitBy'>] ?? word,
    /** A word of a filter, by the filter's name. */
    filtered: (name: string, word: string) => (name === 'phase' || name === 'owner' || name === 'source' ? (words?.[name] as Record<string, string> | undefined)?.[word] : undefined) ?? word,
    scope: (scope: string) => {
      if (!words) return scope
      const [kind, ...rest] = scope.split(':')
      const name = rest.join(':')
      if (scope in words.scope) return words.scope[scope as 'account']
      return kind === 'model' ? words.model(name) : kind === 'family' ? words.family(name) : scope
    },
    difference: sentenceOf,
    summary: (found: Differences) => words?.finding[found.finding]?.(found, found.attributes[0] && sentenceOf(found.attributes[0])) ?? found.summary,
  }
}

/** The gateway in the language that is spoken. */
export function useGateway() {
  // What is shown follows a change of the language.
  useTranslation()
  return gatewayIn(spoken)
}
