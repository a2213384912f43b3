import { expect, test } from 'vitest'
import { zh as words } from '../words/zh'
import { joined } from './joined'

const zh = joined((name) => words.common.join[name])

test('signs are those of the language', () => {
  expect(zh.list(['甲', '乙'])).toBe('甲、乙')
  expect(zh.clauses('甲', '乙')).toBe('甲，乙')
  expect(zh.named('甲', 0)).toBe('甲：0')
  expect(zh.aside('甲', '乙')).toBe('甲（乙）')
})

test('what is nothing is left out, with its sign', () => {
  expect(zh.list(['', '甲', null, false])).toBe('甲')
  expect(zh.named('甲', undefined)).toBe('甲')
  expect(zh.aside('甲', '')).toBe('甲')
})
