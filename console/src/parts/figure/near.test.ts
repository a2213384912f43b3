import { expect, test } from 'vitest'
import { nearest, pieceAt, spanAt, stepAt } from './near'

test('the nearest moment is found, also beyond both ends', () => {
  const moments = [0, 10, 20, 50]
  expect([-5, 4, 6, 34, 36, 999].map((at) => nearest(moments, at))).toEqual([0, 0, 1, 2, 3, 3])
  expect(nearest([], 3)).toBeUndefined()
})

test('a bar is pointed at from where its step begins to where it ends', () => {
  const [steps, ends] = [[0, 10, 20], [10, 20, 30]]
  expect([-3, 0.5, 9.5, 10, 10.5, 29, 35].map((at) => stepAt(steps, ends, at))).toEqual([0, 0, 0, 1, 1, 2, 2])
  expect(stepAt([], [], 3)).toBeUndefined()
})

test('also where the first step and the last one are cut short', () => {
  const [steps, ends] = [[17, 30, 60, 90], [30, 60, 90, 94]]
  expect([18, 29, 30, 59, 89, 90, 93].map((at) => stepAt(steps, ends, at))).toEqual([0, 0, 1, 1, 2, 3, 3])
})

test('in a hole between two steps the nearer one is pointed at', () => {
  const [steps, ends] = [[0, 40], [10, 50]]
  expect([9, 12, 24, 26, 39].map((at) => stepAt(steps, ends, at))).toEqual([0, 0, 0, 1, 1])
})

test('of a heat map only what is under the pointer counts', () => {
  const spans = [
    { from: 0, to: 10 },
    { from: 10, to: 20 },
  ]
  expect([0, 10, 20].map((at) => spanAt(spans, at))).toEqual([0, 1, undefined])
})

test('in a stack it is the piece at that height, or one as near as a finger is wide', () => {
  const pieces = [{ low: 0, high: 2 }, undefined, { low: 2, high: 5 }]
  expect([1, 3, 5.5, 9].map((value) => pieceAt(pieces, value, 1))).toEqual([0, 2, 2, undefined])
  expect(pieceAt([undefined], 1, 5)).toBeUndefined()
})
