import { expect, test } from 'vitest'
import { placeOf } from './fields'

test('a problem stands at its own field', () => {
  expect(placeOf('email.host', ['email', 'email.host'])).toBe('email.host')
})

test('a problem of a part stands at the nearest field around it', () => {
  expect(placeOf('channels[2]', ['name', 'channels'])).toBe('channels')
  expect(placeOf('rules.3.when', ['rules'])).toBe('rules')
})

test('a problem of a whole stands at its first field', () => {
  expect(placeOf('filter', ['name', 'filter.platform', 'filter.model'])).toBe('filter.platform')
})

test('a problem of no field of the form has no place', () => {
  expect(placeOf('version', ['name'])).toBeUndefined()
})
