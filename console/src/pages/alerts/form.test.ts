import { expect, test } from 'vitest'
import { bodyOf, bodyOfValues, valuesOf } from './form'

const rule = {
  id: 7,
  created_at: '2027-01-15T08:00:00Z',
  name: 'Claude fails',
  enabled: false,
  metric: 'error_rate' as const,
  operator: '>=' as const,
  threshold: 2,
  window_minutes: 10,
  sustained_minutes: 3,
  cooldown_minutes: 10,
  min_requests: 50,
  missing: 'keep' as const,
  severity: 'P1' as const,
  filter: { group_id: 1 },
  channels: [2, 3],
  note: 'why',
}

test('a rule that goes through the form is the same rule, without what the API adds', () => {
  const { id: _id, created_at: _at, ...body } = rule
  expect(bodyOf(rule)).toEqual(body)
})

test('a filter that says nothing about the metric is not sent', () => {
  const values = { ...valuesOf(rule), metric: 'new_issue' as const }
  expect(bodyOfValues({ ...values, filter: { ...values.filter, platform: 'anthropic' } }).filter).toEqual({ platform: 'anthropic' })
})
