import { expect, test } from 'vitest'
import { FAILURES, setOf, statuses } from './table'

test('statuses are taken as people write them, and nothing else is', () => {
  expect(statuses('429, 529')).toBe('429,529')
  expect(statuses('500 500,')).toBe('500')
  expect(['', 'all', '4xx', '42', '600', '429,no'].map(statuses)).toEqual(Array(6).fill(undefined))
})

test('filters that are set stand in the order of the table, whatever else is in the address', () => {
  const found = setOf(FAILURES, { model: 'm', cause: 'overloaded', time_range: '1h', q: 'x' })
  expect(found.map(({ name, value }) => [name, value])).toEqual([['cause', 'overloaded'], ['model', 'm']])
})

test('no filter is there twice', () => {
  expect(new Set(FAILURES.map(({ name }) => name)).size).toBe(FAILURES.length)
})
