import { expect, test } from 'vitest'
import type { Of } from '../../api/client'
import { failuresOf } from './failures'

const told = (others: number) => ({ items: [{ value: '7', count: 12 }] as Of<'ErrorShare'>[], others })

test('an account that is not named failed nowhere, unless there is more than is named', () => {
  expect(failuresOf(told(0), 7)).toBe(12)
  expect(failuresOf(told(0), 8)).toBe(0)
  expect(failuresOf(told(3), 8)).toBeUndefined()
  expect(failuresOf(undefined, 7)).toBeUndefined()
})
