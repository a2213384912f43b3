import { expect, test } from 'vitest'
import { roundStep, scaleOf } from './scale'

test('a scale holds every value, begins at nothing, and ends where it is round', () => {
  expect(scaleOf([3, 7, 5])).toEqual({ low: 0, high: 8, ticks: [0, 2, 4, 6, 8] })
  expect(scaleOf([0.3, 0.1])).toEqual({ low: 0, high: 0.3, ticks: [0, 0.1, 0.2, 0.3] })
  expect(scaleOf([-4, 6])).toMatchObject({ low: -5, high: 7.5 })
})

test('what is counted is labelled by whole numbers alone', () => {
  for (const most of [1, 2, 3, 7, 12, 130, 1_000_001]) {
    for (const steps of [1, 2, 4, 5]) {
      const { ticks, high } = scaleOf([most], { isWhole: true }, steps)
      expect(ticks.every(Number.isInteger), `${most} in ${steps}`).toBe(true)
      expect(ticks.length - 1).toBeLessThanOrEqual(steps)
      expect(high).toBeGreaterThanOrEqual(most)
    }
  }
})

test('where nothing happened, or nothing is known, there is still an axis', () => {
  expect(scaleOf([], { isWhole: true })).toEqual({ low: 0, high: 1, ticks: [0, 1] })
  expect(scaleOf([0, 0])).toMatchObject({ low: 0, high: 1 })
  expect(scaleOf([], { isCut: true })).toMatchObject({ low: 0, high: 1 })
})

test('a cut scale begins near the least value, and ends at the most there can be', () => {
  const scale = scaleOf([99.4, 99.95], { isCut: true, most: 100 })
  expect(scale.high).toBe(100)
  expect(scale.low).toBeLessThanOrEqual(99.4)
  expect(scale.low).toBeGreaterThan(99)
  expect(scale.ticks.at(-1)).toBe(100)
  expect(scaleOf([100, 100], { isCut: true, most: 100 })).toMatchObject({ low: 99, high: 100 })
})

test('what is to be in sight is, also where no value is near it', () => {
  expect(scaleOf([1, 2], { keeps: 12 }).high).toBeGreaterThanOrEqual(12)
})

test('steps are round', () => {
  expect([roundStep(9, 3), roundStep(100, 4), roundStep(0.7, 3), roundStep(5, 2, true), roundStep(0.2, 4, true)]).toEqual([3, 25, 0.25, 3, 1])
})
