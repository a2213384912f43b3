import { expect, test } from 'vitest'
import { ofField, toField } from './moment'

test('a moment goes into a field and comes back', () => {
  const at = '2027-01-15T08:30:00.000Z'
  expect(ofField(toField(at))).toBe(at)
})

test('nothing is nothing', () => {
  expect(toField(null)).toBe('')
  expect(ofField('')).toBeNull()
  expect(ofField('soon')).toBeNull()
})
