import { expect, test } from 'vitest'
import { limitName, limitsBody, limitValues, nearest } from './limits'

const none = { requests: 0, tokens: 0, usd: 0 }

test('an empty input is no limit', () => {
  expect(limitsBody({ ...limitValues({ usd_per_day: 5 }), tokens_per_day: '' })).toMatchObject({ usd_per_day: 5, tokens_per_day: null, concurrency: null })
})

test('money has no limit of a minute', () => {
  expect(limitName('usd', 'minute')).toBeUndefined()
  expect(limitName('usd', 'day')).toBe('usd_per_day')
})

test('the nearest limit is the one of which most is used, whatever is counted', () => {
  const usage = { minute: { ...none, requests: 10 }, day: { ...none, usd: 9 }, month: none, total: none }
  expect(nearest(usage, { requests_per_minute: 50, usd_per_day: 10 })).toEqual({ unit: 'usd', window: 'day', used: 9, limit: 10 })
  expect(nearest(usage, {})).toBeUndefined()
})
