import { expect, test } from 'vitest'
import type { Point, Series } from './figure'
import { lone, planOf, scaleFor } from './plan'

const series = (kind: 'bar' | 'line', points: Point[], more: Partial<Series> = {}): Series => ({ name: kind, color: '#000000', kind, points, ...more })

const tens = { stepMs: 10, to: 30 }

test('bars stand on each other, and what is nothing takes no room', () => {
  const { pieces } = planOf({ ...tens, series: [series('bar', [[0, 2], [10, 0]]), series('bar', [[0, 3], [10, 4]])] })
  expect(pieces).toEqual([
    [{ low: 0, high: 2 }, undefined],
    [{ low: 2, high: 5 }, { low: 0, high: 4 }],
  ])
})

test('series of other moments come over the same ones, and what is not there differs from nothing to count', () => {
  const { moments, values } = planOf({ ...tens, series: [series('line', [[0, 1], [20, 3]]), series('line', [[10, null]])] })
  expect(moments).toEqual([0, 10, 20])
  expect(values).toEqual([
    [1, undefined, 3],
    [undefined, null, undefined],
  ])
})

test('a step ends where the next one begins, or the whole does: a window cuts its first and its last', () => {
  const cut = { stepMs: 30, to: 94, series: [series('bar', [[17, 1], [30, 1], [60, 1], [90, 1]])] }
  expect(planOf(cut).ends).toEqual([30, 60, 90, 94])
})

test('what is between two steps belongs to neither', () => {
  const holed = { stepMs: 10, to: 60, series: [series('bar', [[0, 1], [10, 1], [40, 1]])] }
  expect(planOf(holed).ends).toEqual([10, 20, 50])
})

test('a scale is that of the stack, of its side, and of what is marked on it', () => {
  const figure = { kind: 'timeline', from: 0, to: 20, stepMs: 10, series: [series('bar', [[0, 2]]), series('bar', [[0, 6]]), series('line', [[0, 900]], { isRight: true })] } as const
  const plan = planOf(figure)
  expect(scaleFor(figure, plan, false).high).toBe(8)
  expect(scaleFor(figure, plan, true).high).toBe(1000)
  expect(scaleFor({ ...figure, marks: [{ name: '', color: '', value: 30 }] }, plan, false).high).toBeGreaterThanOrEqual(30)
})

test('a value between two gaps has no line, and is a dot', () => {
  expect(lone([1, null, 2, null, 3, 4])).toEqual([0, 2])
  expect(lone([1, undefined, 2])).toEqual([])
  expect(lone([null, 5, null], true)).toEqual([1])
  expect(lone([1, null, 2], true)).toEqual([])
})
