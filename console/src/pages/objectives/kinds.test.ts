import { expect, test } from 'vitest'
import { bodyOf, valuesOf } from './kinds'

test('a bound is not sent with a goal that is no time', () => {
  expect(bodyOf({ ...valuesOf(undefined), name: 'a', within_ms: 500 }).within_ms).toBeNull()
  expect(bodyOf({ ...valuesOf(undefined), name: 'a', goal: 'latency', within_ms: 500 }).within_ms).toBe(500)
})

test('an objective goes through the form unchanged', () => {
  const body = { name: 'a', goal: 'latency' as const, side: 'client' as const, target_percent: 99, window_days: 7, within_ms: 900, platform: null, group_id: 3, model: 'm' }
  expect(bodyOf(valuesOf(body))).toEqual(body)
})
