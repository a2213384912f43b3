import { expect, test } from 'vitest'
import { barsOf } from './bars'

const ground = { box: { left: 100, top: 0, width: 300, height: 50 }, ratio: 1, x: (at: number) => 100 + at * 10, y: (value: number) => 50 - value }

test('a bar is as wide as its step, but for a gap, and stands on what is below it', () => {
  const [bar] = barsOf([{ low: 5, high: 20 }], [1], 2, ground)
  expect(bar).toEqual({ left: 112, top: 30, width: 16, height: 15 })
})

test('what is not nothing is seen, and nothing is drawn beside the axes', () => {
  expect(barsOf([{ low: 0, high: 0.01 }], [0], 0.01, ground)).toEqual([{ left: 100, top: 49, width: 1, height: 1 }])
  expect(barsOf([{ low: 0, high: 9 }], [-5], 2, ground)).toEqual([])
  const [cut] = barsOf([{ low: 0, high: 9 }], [29], 4, ground)
  expect((cut?.left ?? 0) + (cut?.width ?? 0)).toBeLessThanOrEqual(400)
})
