/** Closed lists of the API whose names in its description mean something else, too. */

/** Why an account was passed over. */
export type ExclusionWord =
  | 'disabled' | 'model_not_served' | 'already_tried' | 'no_slot' | 'lower_priority' | 'more_in_flight' | 'no_credential' | 'rate_limited'
  | 'overloaded' | 'paused' | 'error' | 'half_open' | 'quota_reached' | 'less_preferred' | 'way_failing' | 'sticky' | 'untranslatable'

/** What a refusal to send again is told by, and what there is to say of it. */
export const REFUSALS = [
  'retry_in_progress', 'retry_too_frequent', 'body_expired', 'body_too_large', 'key_unavailable', 'not_replayable', 'account_not_in_group',
  'account_not_schedulable', 'too_many_retries', 'forbidden', 'not_found',
] as const

export type Refusal = (typeof REFUSALS)[number]

export function isRefusal(code: string): code is Refusal {
  return (REFUSALS as readonly string[]).includes(code)
}
