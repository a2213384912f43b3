/** The state of the service as one sentence, in pieces of which some lead somewhere. Pure: the words, the clock and the language are arguments. */
import type { TFunction } from 'i18next'
import type { Search } from '../../app/search'
import { listFormat, numberFormat } from '../../parts/format'
import { percent } from '../../parts/number'
import { type Account, type Issue, sinceOf, type State } from './state'
import type { Target } from './target'

/** A piece of a sentence. `isSaid`: somebody else's words, in whichever direction they run. */
export interface Piece {
  text: string
  target?: Target
  isSaid?: boolean
}

export interface Speech {
  t: TFunction<['overview', 'accounts']>
  language: string
  /** A moment as the reader's clock shows it, to the minute. */
  clock: (at: number) => string
  /** The window that is looked at, for what leads to lists. */
  window: Search
}

const MARK = '\u0001'
const MOST_ACCOUNTS = 2
const MOST_LETTERS = 70

export function say(state: State, speech: Speech): Piece[] {
  const { t, language, window } = speech
  const { level, failed, requests, servedPercent } = state
  const reasons = reasonsOf(state, speech)
  const has = reasons.length > 0 ? 'why' : 'bare'
  const number = numberFormat(language)
  const within = stretchWindow(state, window)
  const parts: Record<string, Piece[]> = {
    who: [{ text: whoOf(state, speech) }],
    since: [{ text: sinceText(state, speech), target: { to: '/errors', search: { ...within, view: 'errors', ...narrowed(state) } } }],
    failed: [{ text: t('sentence.failed', { part: number.format(failed.part), of: number.format(failed.of) }), target: { to: '/errors', search: { ...within, view: 'errors', ...narrowed(state) } } }],
    requests: [{ text: t('sentence.requests', { count: requests, number: number.format(requests) }) }],
    served: [{ text: percent(servedPercent, language), target: { to: '/errors', search: { ...window, view: 'errors' } } }],
    span: [{ text: spanText(window, speech) }],
    why: joined(reasons, t('sentence.comma')),
  }
  // Of a window that is over nobody knows what came after it.
  const told = level === 'degraded' || level === 'down' ? (state.until === undefined ? level : (`${level}Then` as const)) : level
  return fill(t(`sentence.${told}.${has}`, marked('who', 'since', 'failed', 'requests', 'served', 'span', 'why')), parts)
}

/** Why it is so, the most direct reason first. */
function reasonsOf(state: State, speech: Speech): Piece[][] {
  const { t, language, window } = speech
  const { accounts, issue, alert, coveredPercent, level } = state
  const isFelt = level === 'down' || level === 'degraded' || level === 'recovered'
  const reasons: Piece[][] = []
  if (issue && isFelt) {
    const title: Piece = { text: shortened(issue.title), target: { to: '/issues/$fingerprint', params: { fingerprint: issue.fingerprint }, search: window }, isSaid: true }
    reasons.push([...fill(t('sentence.issue', marked('title')), { title: [title] }), ...ignoredPieces(issue, speech)])
  }
  const shown = accounts.slice(0, MOST_ACCOUNTS)
  for (const account of shown) reasons.push(accountReason(account, isFelt, speech))
  if (accounts.length > shown.length) {
    reasons.push([{ text: t('sentence.moreAccounts', { count: accounts.length - shown.length }), target: { to: '/accounts', search: window } }])
  }
  if (alert) {
    const name: Piece = { text: alert.evidence.rule_name, target: { to: '/alerts', search: { ...window, rule_id: String(alert.rule_id) } }, isSaid: true }
    reasons.push(fill(t('sentence.alert', marked('name')), { name: [name] }))
  }
  if (coveredPercent !== undefined && (isFelt || reasons.length > 0)) {
    const share: Piece = { text: t('sentence.covered', { share: percent(coveredPercent < 1 ? coveredPercent : Math.floor(coveredPercent), language) }), target: { to: '/upstream-errors', search: { ...stretchWindow(state, window), recovered: 'true' } } }
    reasons.push([share])
  }
  return reasons
}

/** ` (ignored by ada until 14:20)`, of what somebody put aside. */
function ignoredPieces({ state, state_by, ignore_until }: Issue, { t, clock }: Speech): Piece[] {
  if (state !== 'ignored') return []
  const by = state_by ? t('sentence.ignoredBy', { who: state_by }) : t('sentence.ignored')
  const until = ignore_until ? t('sentence.ignoredUntil', { until: clock(Date.parse(ignore_until)) }) : ''
  return [{ text: t('sentence.aside', { what: `${by}${until}` }) }]
}

/** `anthropic-3 rate limited since 02:41`; beside a failure that has its own beginning without that. */
function accountReason(account: Account, isFelt: boolean, { t, language, clock, window }: Speech): Piece[] {
  const since = sinceOf(account)
  const name: Piece = { text: account.account_name, target: { to: '/accounts/$id', params: { id: String(account.account_id) }, search: window }, isSaid: true }
  const how = t(`accounts:state.${account.status}`).toLocaleLowerCase(language)
  const key = isFelt || !Number.isFinite(since) ? 'sentence.account' : 'sentence.accountSince'
  return fill(t(key, { ...marked('name'), how, at: Number.isFinite(since) ? clock(since) : '' }), { name: [name] })
}

function whoOf({ who }: State, { t, language }: Speech): string {
  if (who === 'all') return t('sentence.allTraffic')
  const names = who.map((platform) => t(`traffic.${platform}`))
  return t('sentence.traffic', { platforms: listFormat(language, { type: 'conjunction' }).format(names) })
}

function sinceText({ since, until }: State, { t, clock }: Speech): string {
  if (!since) return ''
  if (until !== undefined) return t('sentence.fromTo', { from: clock(since.at), to: clock(until) })
  return t(since.isBound ? 'sentence.sinceOrBefore' : 'sentence.since', { at: clock(since.at) })
}

export function spanText(window: Search, { t }: Pick<Speech, 't'>): string {
  return isSpan(window.time_range) ? t(`span.${window.time_range}`) : t('span.custom')
}

const SPAN_WORDS = ['5m', '30m', '1h', '6h', '24h', '7d', '30d'] as const

function isSpan(text: string | undefined): text is (typeof SPAN_WORDS)[number] {
  return SPAN_WORDS.some((span) => span === text)
}

/** The time of what is told: from where it began, if that is known. */
export function stretchWindow({ since, until }: State, window: Search): Search {
  if (!since) return window
  const end = until === undefined ? window.end_time : new Date(until).toISOString()
  return { start_time: new Date(since.at).toISOString(), ...(end ? { end_time: end } : {}) }
}

function narrowed({ who }: State): Search {
  return who !== 'all' && who.length === 1 ? { platform: who[0] } : {}
}

function shortened(text: string): string {
  const letters = [...text]
  return letters.length > MOST_LETTERS ? `${letters.slice(0, MOST_LETTERS).join('').trimEnd()}…` : text
}

function joined(reasons: Piece[][], comma: string): Piece[] {
  return reasons.flatMap((reason, at) => (at > 0 ? [{ text: comma }, ...reason] : reason))
}

/** What is asked of a template: its places, marked, so that pieces can be put there in the language's own order. */
function marked<Name extends string>(...names: Name[]): { [Place in Name]: string } {
  return Object.fromEntries(names.map((name) => [name, `${MARK}${name}${MARK}`])) as { [Place in Name]: string }
}

function fill(text: string, parts: Record<string, Piece[]>): Piece[] {
  return text.split(MARK).flatMap((bit, at) => (at % 2 === 1 ? (parts[bit] ?? []) : bit ? [{ text: bit }] : []))
}
