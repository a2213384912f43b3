import { expect, test } from 'vitest'
import { heights } from './spark'

test('the largest value takes all of the height', () => {
  expect(heights([5, 10], 20)).toEqual([10, 20])
})

test('what is not nothing is seen beside what is much', () => {
  expect(heights([0, 1, 100_000], 20)).toEqual([0, 1.5, 20])
})

test('nothing at all has no height', () => {
  expect(heights([0, 0], 20)).toEqual([0, 0])
  expect(heights([], 20)).toEqual([])
})
