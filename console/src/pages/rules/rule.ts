/** Classification rules as they are edited: read from JSON, cleaned of what says nothing, and put into a form and back. Pure. */
import type { Of } from '../../api/client'

export type Rule = Of<'ClassificationRule'>

export const WHEN = [
  'platform', 'endpoint', 'phase', 'cause', 'type', 'status_codes', 'upstream_status_codes', 'model', 'account_id', 'group_id', 'api_key_id', 'user_id', 'stream', 'message_contains',
] as const satisfies readonly (keyof Rule['when'])[]
export const THEN = ['cause', 'error_owner', 'severity', 'is_retryable', 'counts'] as const satisfies readonly (keyof Rule['then'])[]

type WhenName = (typeof WHEN)[number]
type ThenName = (typeof THEN)[number]

const LISTS: readonly string[] = ['status_codes', 'upstream_status_codes']
const TRUTHS: readonly string[] = ['stream', 'is_retryable', 'counts']

/** What is wrong with a text: which word says so, and with what in it. */
export type Wrong = { word: 'jsonWrong'; why: string } | { word: 'jsonList' } | { word: 'jsonRule'; at: number }

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Rules from JSON: a list of them, or what the API and `waybill rules list --json` say. What else is wrong with them the API knows. */
export function read(text: string): Rule[] | Wrong {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return { word: 'jsonWrong', why: error instanceof Error ? error.message : String(error) }
  }
  const rules = isObject(value) ? value.rules : value
  if (!Array.isArray(rules)) return { word: 'jsonList' }
  const bad = rules.findIndex((rule) => !isObject(rule) || typeof rule.name !== 'string' || !isObject(rule.when) || !isObject(rule.then))
  return bad >= 0 ? { word: 'jsonRule', at: bad + 1 } : (rules as Rule[]).map(clean)
}

/** Rules as JSON that people read. */
export function written(rules: readonly Rule[]): string {
  return JSON.stringify(rules.map(clean), null, 2)
}

function saying<T extends object>(part: T): T {
  return Object.fromEntries(Object.entries(part).filter(([, value]) => value !== null && value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0))) as T
}

/** A rule without what says nothing. */
export function clean(rule: Rule): Rule {
  const { when, then, ...rest } = rule
  return { ...(saying(rest) as Omit<Rule, 'when' | 'then'>), when: saying(when), then: saying(then) }
}

/** Whether two lists of rules say the same. */
export function isSame(one: readonly Rule[], other: readonly Rule[]): boolean {
  const plain = (rules: readonly Rule[]) => JSON.stringify(rules.map(({ id, enabled = true, ...rule }) => sorted({ ...clean(rule as Rule), id: id || undefined, enabled })))
  return plain(one) === plain(other)
}

/** With its names in order, so that two of the same are written alike. */
function sorted(value: unknown): unknown {
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => one.localeCompare(other)).map(([name, part]) => [name, sorted(part)]))
}

/** As the form has it: each condition is text or a list of texts, nothing is empty. */
export interface Values {
  name: string
  note: string
  enabled: boolean
  when: Record<WhenName, string | string[]>
  then: Record<ThenName, string>
}

export function valuesOf(rule: Rule | undefined): Values {
  const text = (value: unknown): string => (value === null || value === undefined ? '' : String(value))
  const when = WHEN.map((name) => [name, LISTS.includes(name) ? ((rule?.when[name] as number[] | undefined) ?? []).map(String) : text(rule?.when[name])])
  const then = THEN.map((name) => [name, text(rule?.then[name])])
  return { name: rule?.name ?? '', note: rule?.note ?? '', enabled: rule?.enabled ?? true, when: Object.fromEntries(when) as Values['when'], then: Object.fromEntries(then) as Values['then'] }
}

/** As the API takes it; `id` is that of the rule that was edited. */
export function ruleOf(values: Values, id: number | undefined): Rule {
  const part = (given: Record<string, string | string[]>) =>
    Object.fromEntries(
      Object.entries(given).map(([name, value]) => {
        if (Array.isArray(value)) return [name, value.map(Number)]
        if (value === '') return [name, null]
        if (TRUTHS.includes(name)) return [name, value === 'true']
        return [name, name.endsWith('_id') ? Number(value) : value]
      }),
    )
  return clean({ id, name: values.name.trim(), note: values.note.trim() || null, enabled: values.enabled, when: part(values.when) as Rule['when'], then: part(values.then) as Rule['then'] })
}

/** What a part of a rule says, as pairs of name and value. */
export function pairs(part: Rule['when'] | Rule['then']): [string, string][] {
  return Object.entries(saying(part)).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : String(value)])
}
