import { expect, test } from 'vitest'
import { changes, fieldOf, numberOf } from './problem-field'

test('a field of the API is found at the field of the form that has it', () => {
  expect(fieldOf('name', ['name'])).toBe('name')
  expect(fieldOf('fallback_urls[1]', ['fallback_urls'])).toBe('fallback_urls')
  expect(fieldOf('quota.tokens_per_day', ['quota.tokens_per_day', 'quota'])).toBe('quota.tokens_per_day')
  expect(fieldOf('prices[12].model', ['prices.*.model'])).toBe('prices.12.model')
  expect(fieldOf('state_rules[0].contains', ['state_rules'])).toBe('state_rules')
})

test('a field that the form does not have is nobody’s', () => {
  expect(fieldOf('credential.api_key', ['name'])).toBeUndefined()
  expect(fieldOf(undefined, ['name'])).toBeUndefined()
})

test('a change says only what is changed, and a value taken away is one', () => {
  expect(changes({ name: 'a', models: ['x'], concurrency: 3 as number | null }, { name: 'a', models: ['x'], concurrency: null })).toEqual({ concurrency: null })
  expect(changes({ models: ['x'] }, { models: ['x', 'y'] })).toEqual({ models: ['x', 'y'] })
})

test('an empty input of a number is no number', () => {
  expect([numberOf(''), numberOf('12'), numberOf(0), numberOf(null), numberOf('x')]).toEqual([null, 12, 0, null, null])
})
