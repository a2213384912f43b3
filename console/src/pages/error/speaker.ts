/** Whose words a failed attempt's message is: of what the gateway saw itself, a provider said nothing. Pure. */
import type { Of } from '../../api/client'

/** Causes of broken connections and broken answers: what is said of them are the gateway's words. */
const SEEN: ReadonlySet<Of<'Cause'>> = new Set([
  'network.dns', 'network.connect', 'network.tls', 'network.reset', 'network.timeout', 'network.proxy', 'network.forbidden',
  'stream.truncated', 'stream.stalled', 'upstream.model_gave_up', 'upstream.response_too_large',
])

export type Speaker = 'provider' | 'gateway'

/** `cause` is the one that was read from the attempt, whatever a rule made of it; `status` the provider's, if there was one. */
export function speakerOf(cause: Of<'Cause'>, status: number | null | undefined): Speaker {
  if (SEEN.has(cause)) return 'gateway'
  // Of an answer that claims success and is none the gateway says what is wrong with it; another one said it itself.
  return cause === 'upstream.invalid_response' && (status ?? 200) < 300 ? 'gateway' : 'provider'
}
