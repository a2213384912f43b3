/** The closed lists of words that the API takes, for fields of choice; one that is missing is a type error. */
import type { Of } from '../api/client'

function wordsOf<Word extends string>(all: Record<Word, true>): Word[] {
  return Object.keys(all) as Word[]
}

export const PLATFORMS = wordsOf<Of<'Platform'>>({ anthropic: true, openai: true, gemini: true, antigravity: true })

export const OWNERS = wordsOf<Of<'Owner'>>({ client: true, provider: true, platform: true })

export const SEVERITIES = wordsOf<Of<'Severity'>>({ P0: true, P1: true, P2: true, P3: true })

export const SOURCES = wordsOf<Of<'Source'>>({ client: true, gateway: true, upstream: true })

export const PHASES = wordsOf<Of<'Phase'>>({ request: true, auth: true, billing: true, concurrency: true, scheduling: true, upstream: true, network: true, response: true, internal: true })

export const TYPES = wordsOf<Of<'ErrorType'>>({
  invalid_request_error: true, authentication_error: true, permission_error: true, not_found_error: true, request_too_large: true, billing_error: true,
  rate_limit_error: true, overloaded_error: true, timeout_error: true, upstream_error: true, api_error: true, client_closed_request: true,
})

export const CAUSES = wordsOf<Of<'Cause'>>({
  'rate_limit.requests': true,
  'rate_limit.tokens': true,
  'rate_limit.concurrency': true,
  'quota.exhausted': true,
  overloaded: true,
  'auth.invalid_key': true,
  'auth.token_refused': true,
  'auth.token_unavailable': true,
  'auth.no_project': true,
  'auth.project_unavailable': true,
  'auth.permission': true,
  'auth.account_disabled': true,
  'billing.credit_exhausted': true,
  'billing.spend_limit': true,
  'billing.entitlement': true,
  'auth.region': true,
  'edge.challenge': true,
  invalid_request: true,
  context_length: true,
  request_too_large: true,
  'request_too_large.token_budget': true,
  content_filter: true,
  model_not_found: true,
  not_found: true,
  thinking_signature: true,
  conversation_state: true,
  server_error: true,
  'upstream.bad_gateway': true,
  'upstream.timeout': true,
  'upstream.invalid_response': true,
  'upstream.model_gave_up': true,
  'upstream.response_too_large': true,
  'network.dns': true,
  'network.connect': true,
  'network.tls': true,
  'network.reset': true,
  'network.timeout': true,
  'network.proxy': true,
  'network.forbidden': true,
  'stream.error_event': true,
  'stream.truncated': true,
  'stream.stalled': true,
  'gateway.invalid_key': true,
  'gateway.key_disabled': true,
  'gateway.invalid_request': true,
  'gateway.untranslatable': true,
  'gateway.request_too_large': true,
  'gateway.request_timeout': true,
  'gateway.not_found': true,
  'gateway.method_not_allowed': true,
  'gateway.model_not_served': true,
  'gateway.no_account': true,
  'gateway.no_slot': true,
  'gateway.queue_timeout': true,
  'gateway.queue_full': true,
  'gateway.concurrency_limit': true,
  'gateway.rate_limit': true,
  'gateway.quota_exhausted': true,
  'gateway.balance_exhausted': true,
  'gateway.no_price': true,
  'gateway.overloaded': true,
  'gateway.shutdown': true,
  'gateway.internal': true,
  client_closed_request: true,
  client_stalled: true,
})
