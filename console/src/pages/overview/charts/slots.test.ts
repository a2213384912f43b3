import { expect, test } from 'vitest'
import { deliveredOf } from './delivered'
import { heatOf } from './heat'
import { MOST_SLOTS, slotsOf } from './slots'

const NOW = Date.UTC(2026, 2, 4, 2, 41, 17)

test('every window is a dozen slots at most, end to end, up to now', () => {
  for (const time_range of ['5m', '30m', '1h', '6h', '24h', '7d', '30d']) {
    const slots = slotsOf({ time_range }, NOW)
    expect(slots.length, time_range).toBeLessThanOrEqual(MOST_SLOTS)
    expect(slots.length, time_range).toBeGreaterThan(4)
    expect(slots.at(-1)?.to).toBeGreaterThanOrEqual(NOW)
    slots.slice(1).forEach((slot, at) => expect(slot.from).toBe(slots[at]?.to))
  }
})

test('slots begin where the clock is round, and only the newest are open', () => {
  const slots = slotsOf({ time_range: '1h' }, NOW)
  expect(new Date(slots.at(-1)?.from ?? 0).toISOString()).toBe('2026-03-04T02:40:00.000Z')
  expect(slots.filter(({ isOpen }) => isOpen)).toHaveLength(2)
  expect(slotsOf({ time_range: '1h' }, NOW + 60_000)).toEqual(slots)
})

test('a window that is over has no open slot, and covers what was asked for', () => {
  const window = { start_time: '2026-03-04T01:02:03Z', end_time: '2026-03-04T01:10:00Z' }
  const slots = slotsOf(window, NOW)
  expect(slots.some(({ isOpen }) => isOpen)).toBe(false)
  expect(slots[0]?.from).toBeLessThanOrEqual(Date.parse(window.start_time))
  expect(slots.at(-1)?.to).toBe(Date.parse(window.end_time))
})

test('a heat map has the ranges in which something lies, and those between', () => {
  const histogram = (...counts: number[]) => counts.map((count, at) => ({ from_ms: at * 100, to_ms: at === 3 ? null : (at + 1) * 100, count }))
  const heat = heatOf([histogram(0, 4, 0, 0), undefined, histogram(0, 0, 0, 7)])
  expect(heat.rows.map(({ from_ms }) => from_ms)).toEqual([100, 200, 300])
  expect(heat.most).toBe(7)
  expect(heat.cells).toHaveLength(9)
  expect(heatOf([undefined])).toEqual({ rows: [], cells: [], most: 0 })
})

test('what providers delivered is of attempts, and nothing where there were none', () => {
  const at = (minute: number) => new Date(Date.UTC(2026, 2, 4, 2, minute)).toISOString()
  const errors = [0, 1].map((minute) => ({ start_time: at(minute), upstream_429: 5, upstream_529: 3, upstream_other: 2 }))
  const found = deliveredOf(errors as never, [{ start_time: at(0), attempts: 40 }] as never)
  expect(found.map(([, percent]) => percent)).toEqual([75, null])
})
