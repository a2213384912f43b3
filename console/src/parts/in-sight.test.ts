import { expect, test } from 'vitest'
import { spanIn, topFor } from './in-sight'

const LIST = { count: 100_000, row: 34, head: 30 }

test('the rows in sight are drawn, with a few beside them, and none that there are not', () => {
  expect(spanIn(0, 370, LIST)).toEqual({ from: 0, to: 14 })
  expect(spanIn(34 * 1_000, 370, LIST)).toEqual({ from: 996, to: 1_014 })
  expect(spanIn(34 * 1_000 + 1, 370, LIST)).toEqual({ from: 996, to: 1_015 })
  expect(spanIn(34 * 100_000, 370, LIST)).toEqual({ from: 99_996, to: 100_000 })
  expect(spanIn(0, 370, { ...LIST, count: 3 })).toEqual({ from: 0, to: 3 })
  // What was read before the list became shorter.
  expect(spanIn(34 * 50, 370, { ...LIST, count: 3 })).toEqual({ from: 3, to: 3 })
})

test('a row is brought into sight by as little as is needed', () => {
  const height = 30 + 34 * 10
  expect(topFor(5, 0, height, LIST)).toBe(0)
  expect(topFor(10, 0, height, LIST)).toBe(34)
  expect(topFor(20, 34 * 40, height, LIST)).toBe(34 * 20)
  expect(topFor(0, 34 * 40, height, LIST)).toBe(0)
  expect(topFor(100, 0, height, LIST, true)).toBe(34 * 100 - (34 * 9) / 2)
  expect(topFor(1, 500, height, LIST, true)).toBe(0)
})
