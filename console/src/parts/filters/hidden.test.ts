import { expect, test } from 'vitest'
import { whereHidden } from './hidden'

test('only where clients saw none, those that failover hid are asked for', () => {
  expect(whereHidden(0)).toEqual({ recovered: 'true' })
  expect(whereHidden(1)).toEqual({})
})
