import { expect, test } from 'vitest'
import { filled, HOUR_MS, summed } from './hours'

const NOW = Date.parse('2027-01-15T08:30:00Z')
const given = [
  { hour: '2027-01-15T06:00:00Z', count: 2, hidden_count: 1 },
  { hour: '2027-01-15T08:00:00Z', count: 1, hidden_count: 0 },
]

test('hours without a failure are there, and the present one is the last', () => {
  const hours = filled(given, NOW)
  expect(hours).toHaveLength(168)
  expect(hours.at(-1)).toEqual({ at: Date.parse('2027-01-15T08:00:00Z'), seen: 1, hidden: 0 })
  expect(hours.at(-2)).toEqual({ at: Date.parse('2027-01-15T07:00:00Z'), seen: 0, hidden: 0 })
  expect((hours.at(-1)?.at ?? 0) - (hours[0]?.at ?? 0)).toBe(167 * HOUR_MS)
})

test('the hour with most failures, hidden ones too, is named', () => {
  const { seen, hidden, most } = summed(filled(given, NOW))
  expect({ seen, hidden }).toEqual({ seen: 3, hidden: 1 })
  expect(most?.at).toBe(Date.parse('2027-01-15T06:00:00Z'))
})

test('of no failures no hour has most', () => {
  expect(summed(filled([], NOW)).most).toBeUndefined()
})
