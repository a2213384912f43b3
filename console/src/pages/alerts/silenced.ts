/** Which silence keeps an event from being told, as the gateway decides it. Pure. */
import type { Event, Silence } from './kinds'

/** Until when nobody is told of an event; `undefined`: no silence is in force for it. */
export function silencedUntil({ rule_id, scope }: Pick<Event, 'rule_id' | 'scope'>, silences: readonly Silence[], now: number): string | undefined {
  return silences
    .filter(
      (silence) =>
        Date.parse(silence.until) > now &&
        fits(silence.rule_id, rule_id) &&
        fits(silence.platform, scope.platform) &&
        fits(silence.account_id, scope.account_id) &&
        (isOpen(silence.group_id) || (scope.group_ids ?? []).includes(silence.group_id)),
    )
    .map(({ until }) => until)
    .sort((one, other) => Date.parse(other) - Date.parse(one))[0]
}

function isOpen(wanted: unknown): wanted is null | undefined {
  return wanted === null || wanted === undefined
}

/** What a silence does not name, it does not ask for. */
function fits<T>(wanted: T | null | undefined, is: T | null | undefined): boolean {
  return isOpen(wanted) || wanted === is
}
