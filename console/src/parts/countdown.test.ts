import { expect, test } from 'vitest'
import { left } from './countdown'

test('what is left is said in whole seconds, and never as none before it is over', () => {
  expect([left(300), left(12_001), left(60_000), left(243_000)]).toEqual(['1 s', '13 s', '1 min', '4 min 3 s'])
  expect([left(0), left(-5)]).toEqual([undefined, undefined])
})
