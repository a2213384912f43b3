import { expect, test } from 'vitest'
import { deliveredOf } from './delivered'
import { columnsOf, heatOf } from './heat'

test('a heat map has the ranges in which something lies, and those between', () => {
  const ranges = [0, 100, 200, 300].map((from_ms) => ({ from_ms, to_ms: from_ms === 300 ? null : from_ms + 100 }))
  const point = (...counts: number[]) => ({ start_time: '2026-03-04T10:00:00.000Z', count: 0, counts })
  const heat = heatOf({ ranges, points: [point(0, 4, 0, 0), point(0, 0, 0, 0), point(0, 0, 0, 7)] })
  expect(heat.rows.map(({ from_ms }) => from_ms)).toEqual([100, 200, 300])
  expect(heat.most).toBe(7)
  expect(heat.cells).toHaveLength(9)
  expect(heatOf({ ranges, points: [point(0, 0, 0, 0)] })).toEqual({ rows: [], cells: [], most: 0 })
})

test('columns of a heat map follow one another, also those that the window cuts short', () => {
  const at = (clock: string) => `2026-03-04T${clock}:00.000Z`
  const points = ['12:17', '12:30', '13:00'].map((clock) => ({ start_time: at(clock), count: 0, counts: [] }))
  const columns = columnsOf({ points, end_time: at('13:04') })
  expect(columns.map(({ from, to }) => (to - from) / 60_000)).toEqual([13, 30, 4])
  expect(columns.map(({ from }) => new Date(from).toISOString())).toEqual(points.map(({ start_time }) => start_time))
  expect(columnsOf({ points: [], end_time: at('13:04') })).toEqual([])
})

test('what providers delivered is of attempts, and nothing where there were none', () => {
  const at = (minute: number) => new Date(Date.UTC(2026, 2, 4, 2, minute)).toISOString()
  const errors = [0, 1].map((minute) => ({ start_time: at(minute), upstream_429: 5, upstream_529: 3, upstream_other: 2 }))
  const found = deliveredOf(errors as never, [{ start_time: at(0), attempts: 40 }] as never)
  expect(found.map(([, percent]) => percent)).toEqual([75, null])
})
