/** What failures can be narrowed by: the admin API's parameters, their kinds, and the words that they take. */
import type { operations } from '../../api/schema'
import type { Search } from '../../app/search'

type Query = NonNullable<operations['list_errors']['parameters']['query']>
type Worded = 'platform' | 'phase' | 'type' | 'cause' | 'severity' | 'owner' | 'source'

/** A closed list: the compiler holds it to the API's, word for word. */
type WordsOf<Name extends Worded> = Record<NonNullable<Query[Name]>, 0>

const PLATFORMS: WordsOf<'platform'> = { anthropic: 0, openai: 0, gemini: 0, antigravity: 0 }
const PHASES: WordsOf<'phase'> = { request: 0, auth: 0, billing: 0, concurrency: 0, scheduling: 0, upstream: 0, network: 0, response: 0, internal: 0 }
const SEVERITIES: WordsOf<'severity'> = { P0: 0, P1: 0, P2: 0, P3: 0 }
const OWNERS: WordsOf<'owner'> = { client: 0, provider: 0, platform: 0 }
const SOURCES: WordsOf<'source'> = { client: 0, gateway: 0, upstream: 0 }
const TYPES: WordsOf<'type'> = {
  invalid_request_error: 0, authentication_error: 0, permission_error: 0, not_found_error: 0, request_too_large: 0, billing_error: 0,
  rate_limit_error: 0, overloaded_error: 0, timeout_error: 0, upstream_error: 0, api_error: 0, client_closed_request: 0,
}
const CAUSES: WordsOf<'cause'> = {
  'rate_limit.requests': 0, 'rate_limit.tokens': 0, 'rate_limit.concurrency': 0, 'quota.exhausted': 0, overloaded: 0,
  'auth.invalid_key': 0, 'auth.token_refused': 0, 'auth.token_unavailable': 0, 'auth.no_project': 0, 'auth.project_unavailable': 0,
  'auth.permission': 0, 'auth.account_disabled': 0, 'billing.credit_exhausted': 0, 'billing.spend_limit': 0, 'billing.entitlement': 0,
  'auth.region': 0, 'edge.challenge': 0, invalid_request: 0, context_length: 0, request_too_large: 0, 'request_too_large.token_budget': 0,
  content_filter: 0, model_not_found: 0, not_found: 0, thinking_signature: 0, conversation_state: 0, server_error: 0,
  'upstream.bad_gateway': 0, 'upstream.timeout': 0, 'upstream.invalid_response': 0, 'upstream.model_gave_up': 0, 'upstream.response_too_large': 0,
  'network.dns': 0, 'network.connect': 0, 'network.tls': 0, 'network.reset': 0, 'network.timeout': 0, 'network.proxy': 0, 'network.forbidden': 0,
  'stream.error_event': 0, 'stream.truncated': 0, 'stream.stalled': 0, 'gateway.invalid_key': 0, 'gateway.key_disabled': 0,
  'gateway.invalid_request': 0, 'gateway.untranslatable': 0, 'gateway.request_too_large': 0, 'gateway.request_timeout': 0, 'gateway.not_found': 0,
  'gateway.method_not_allowed': 0, 'gateway.model_not_served': 0, 'gateway.no_account': 0, 'gateway.no_slot': 0, 'gateway.queue_timeout': 0,
  'gateway.queue_full': 0, 'gateway.concurrency_limit': 0, 'gateway.rate_limit': 0, 'gateway.quota_exhausted': 0, 'gateway.balance_exhausted': 0,
  'gateway.no_price': 0, 'gateway.overloaded': 0, 'gateway.shutdown': 0, 'gateway.internal': 0, client_closed_request: 0, client_stalled: 0,
}

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

const words = <Name extends string>(name: Name, values: Record<string, 0>) => ({ name, kind: 'words' as const, values: Object.keys(values) })

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
