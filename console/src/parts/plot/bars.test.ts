import { expect, test } from 'vitest'
import { barsOf } from './bars'

const ground = { box: { left: 100, top: 0, width: 300, height: 50 }, ratio: 1, x: (at: number) => 100 + at * 10, y: (value: number) => 50 - value }

test('a bar is as wide as its step, but for a gap, and stands on what is below it', () => {
  const [bar] = barsOf([{ low: 5, high: 20 }], [1], [3], ground)
  expect(bar).toEqual({ left: 112, top: 30, width: 16, height: 15 })
})

test('what is not nothing is seen, and nothing is drawn beside the axes', () => {
  expect(barsOf([{ low: 0, high: 0.01 }], [0], [0.01], ground)).toEqual([{ left: 100, top: 49, width: 1, height: 1 }])
  expect(barsOf([{ low: 0, high: 9 }], [-5], [-3], ground)).toEqual([])
  const [cut] = barsOf([{ low: 0, high: 9 }], [29], [33], ground)
  expect((cut?.left ?? 0) + (cut?.width ?? 0)).toBeLessThanOrEqual(400)
})

test('a step that was cut short is as narrow as it is long, and no bar reaches into the next one', () => {
  const piece = { low: 0, high: 9 }
  const bars = barsOf([piece, piece, piece], [1.7, 3, 6], [3, 6, 6.4], ground)
  expect(bars.map(({ width }) => width)).toEqual([11, 24, 4])
  expect(bars.every(({ left, width }, at) => left + width <= (bars[at + 1]?.left ?? 164))).toBe(true)
})
