import { expect, test } from 'vitest'
import { deliveredOf } from './delivered'
import { heatOf } from './heat'

test('a heat map has the ranges in which something lies, and those between', () => {
  const ranges = [0, 100, 200, 300].map((from_ms) => ({ from_ms, to_ms: from_ms === 300 ? null : from_ms + 100 }))
  const point = (...counts: number[]) => ({ start_time: '2026-03-04T10:00:00.000Z', count: 0, counts })
  const heat = heatOf({ ranges, points: [point(0, 4, 0, 0), point(0, 0, 0, 0), point(0, 0, 0, 7)] })
  expect(heat.rows.map(({ from_ms }) => from_ms)).toEqual([100, 200, 300])
  expect(heat.most).toBe(7)
  expect(heat.cells).toHaveLength(9)
  expect(heatOf({ ranges, points: [point(0, 0, 0, 0)] })).toEqual({ rows: [], cells: [], most: 0 })
})

test('what providers delivered is of attempts, and nothing where there were none', () => {
  const at = (minute: number) => new Date(Date.UTC(2026, 2, 4, 2, minute)).toISOString()
  const errors = [0, 1].map((minute) => ({ start_time: at(minute), upstream_429: 5, upstream_529: 3, upstream_other: 2 }))
  const found = deliveredOf(errors as never, [{ start_time: at(0), attempts: 40 }] as never)
  expect(found.map(([, percent]) => percent)).toEqual([75, null])
})
