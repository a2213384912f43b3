/** Failures per hour, with the hours that had none. Pure. */
import type { Of } from '../../api/client'

export const HOUR_MS = 3_600_000

export interface Hour {
  at: number
  seen: number
  hidden: number
}

/** Every hour of the last `days` days up to `now`, oldest first. */
export function filled(hours: readonly Of<'HourCount'>[], now: number, days = 7): Hour[] {
  const byHour = new Map(hours.map(({ hour, count, hidden_count }) => [Date.parse(hour), { seen: count, hidden: hidden_count }]))
  const last = Math.floor(now / HOUR_MS) * HOUR_MS
  return Array.from({ length: days * 24 }, (_, back) => last - (days * 24 - 1 - back) * HOUR_MS).map((at) => ({ at, seen: 0, hidden: 0, ...byHour.get(at) }))
}

/** All of them together, and the hour that had most. */
export function summed(hours: readonly Hour[]): { seen: number; hidden: number; most: Hour | undefined } {
  const all = (hour: Hour) => hour.seen + hour.hidden
  const most = hours.reduce<Hour | undefined>((best, hour) => (all(hour) > (best ? all(best) : 0) ? hour : best), undefined)
  return {
    seen: hours.reduce((sum, { seen }) => sum + seen, 0),
    hidden: hours.reduce((sum, { hidden }) => sum + hidden, 0),
    most,
  }
}
