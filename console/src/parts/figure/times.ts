/** Where an axis of time is labelled: where the clocks of this place are round. Pure but for the zone. */

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

const STEPS = [1, 2, 5, 10, 15, 30]
const ALL = [...STEPS.map((one) => one * SECOND), ...STEPS.map((one) => one * MINUTE), ...[1, 2, 3, 6, 12].map((one) => one * HOUR), ...[1, 2, 7, 14, 30, 90, 180, 365].map((one) => one * DAY)]

/** The shortest step of which at most `most` are in a span. */
export function timeStep(span: number, most: number): number {
  return ALL.find((step) => span / step <= most) ?? Math.ceil(span / most / (365 * DAY)) * 365 * DAY
}

/** All moments within that are whole steps since midnight, or, of steps of days, since 1970. */
export function timeTicks(from: number, to: number, step: number): number[] {
  const ticks: number[] = []
  const days = Math.max(1, Math.round(step / DAY))
  const within = step < DAY ? Math.round(DAY / step) : 1
  const first = new Date(from)
  const [year, month, date] = [first.getFullYear(), first.getMonth(), first.getDate()]
  // By days of the calendar, of which some are longer than others.
  const early = days === 1 ? 0 : (Math.round(Date.UTC(year, month, date) / DAY) % days)
  for (let day = -early; ; day += days) {
    for (let part = 0; part < within; part += 1) {
      const at = new Date(year, month, date + day, 0, 0, 0, part * step).getTime()
      // Also where one of the three is not a number.
      if (!(at <= to)) return ticks
      if (at >= from && at > (ticks.at(-1) ?? -Infinity)) ticks.push(at)
    }
  }
}
