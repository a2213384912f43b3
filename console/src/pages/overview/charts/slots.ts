/** A window cut into at most a dozen slots of a round length, for what the API tells of a window only as a whole. Pure. */
import type { Search } from '../../../app/search'

export interface Slot {
  from: number
  to: number
  /** More may still come: it is asked again. */
  isOpen: boolean
}

export const MOST_SLOTS = 12

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const LENGTHS = [MINUTE, 2 * MINUTE, 3 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 3 * DAY] as const

const SPANS: Record<string, number> = { '5m': 5 * MINUTE, '30m': 30 * MINUTE, '1h': HOUR, '6h': 6 * HOUR, '24h': DAY, '7d': 7 * DAY, '30d': 30 * DAY }

/** From when to when a window of the address goes. */
export function boundsOf(window: Search, now: number): { from: number; to: number } {
  const to = parsed(window.end_time) ?? now
  const span = window.time_range === undefined ? undefined : SPANS[window.time_range]
  return { from: parsed(window.start_time) ?? to - (span ?? HOUR), to }
}

/** Slots end where the clock is round. The first may begin before the window where that is cut otherwise. */
export function slotsOf(window: Search, now: number): Slot[] {
  const { from, to } = boundsOf(window, now)
  const length = LENGTHS.find((one) => countOf(from, to, one) <= MOST_SLOTS) ?? Math.ceil((to - from) / (MOST_SLOTS - 1) / DAY) * DAY
  const count = Math.max(1, countOf(from, to, length))
  const end = Math.ceil(to / length) * length
  const isNow = window.end_time === undefined
  return Array.from({ length: count }, (_, at) => {
    const begin = end - (count - at) * length
    // What ran long is written late: it counts where it arrived.
    return { from: begin, to: begin + length, isOpen: isNow && at >= count - 2 }
  })
}

function countOf(from: number, to: number, length: number): number {
  return Math.ceil(to / length) - Math.floor(from / length) - (from % length === 0 || to % length === 0 ? 0 : 1)
}

function parsed(at: string | undefined): number | undefined {
  const moment = at === undefined ? Number.NaN : Date.parse(at)
  return Number.isNaN(moment) ? undefined : moment
}

export function iso(at: number): string {
  return new Date(at).toISOString()
}
