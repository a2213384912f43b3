/** What failures can be narrowed by: the admin API's parameters, their kinds, and the words that they take. */
import type { operations } from '../../api/schema'
import type { Search } from '../../app/search'
import { CAUSES, OWNERS, PHASES, PLATFORMS, SEVERITIES, SOURCES, TYPES } from '../words-of'

type Query = NonNullable<operations['list_errors']['parameters']['query']>
export type NamedKind = 'account' | 'group' | 'key' | 'user'

/** How a filter's value is chosen. */
export type Kind = 'words' | 'yesNo' | 'text' | 'statuses' | NamedKind

export interface Filter {
  /** The API's parameter. */
  name: string
  kind: Kind
  /** What a filter of `words` takes. */
  values?: readonly string[]
}

/** A filter whose words the compiler holds to the API's. */
const words = <Name extends keyof Query>(name: Name, values: readonly NonNullable<Query[Name]>[]) => ({ name, kind: 'words' as const, values: values as readonly string[] })

/** Those of failed requests and of failed attempts; `view`, `q` and `sort` have controls of their own. */
export const FAILURES = [
  words('cause', CAUSES),
  words('severity', SEVERITIES),
  words('owner', OWNERS),
  { name: 'status_codes', kind: 'statuses' },
  { name: 'model', kind: 'text' },
  words('platform', PLATFORMS),
  { name: 'account_id', kind: 'account' },
  { name: 'group_id', kind: 'group' },
  { name: 'api_key_id', kind: 'key' },
  { name: 'user_id', kind: 'user' },
  words('phase', PHASES),
  words('type', TYPES),
  words('source', SOURCES),
  { name: 'resolved', kind: 'yesNo' },
  { name: 'recovered', kind: 'yesNo' },
  { name: 'stream', kind: 'yesNo' },
  { name: 'replay', kind: 'yesNo' },
  { name: 'issue', kind: 'text' },
  { name: 'fingerprint', kind: 'text' },
  { name: 'request_id', kind: 'text' },
  { name: 'client_request_id', kind: 'text' },
] as const satisfies readonly Filter[]

export type FailureFilter = (typeof FAILURES)[number]['name']

/** Everything in an address that narrows or orders a list of failures, but for the time. */
export const LIST_NAMES: readonly string[] = [...FAILURES.map(({ name }) => name), 'view', 'q', 'sort']

/** Statuses with commas between, as they were meant: `429, 529` is `429,529`; `undefined`: they are none. */
export function statuses(text: string): string | undefined {
  const codes = text.split(/[\s,]+/).filter(Boolean)
  const good = codes.length > 0 && codes.every((code) => /^[1-5]\d\d$/.test(code))
  return good ? [...new Set(codes)].join(',') : undefined
}

/** Those of the filters that are set, in the table's order. */
export function setOf<F extends Filter>(filters: readonly F[], search: Search): (F & { value: string })[] {
  return filters.flatMap((filter) => {
    const value = search[filter.name]
    return value ? [{ ...filter, value }] : []
  })
}
