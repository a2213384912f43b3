import { expect, test } from 'vitest'
import { bytes, count, duration, percent, relative, span, usd } from './number'

test('what is almost all is not all, and what is almost nothing is not nothing', () => {
  expect(percent(99.9999, 'en')).toBe('99.999 %')
  expect(percent(100, 'en')).toBe('100 %')
  expect(percent(0.0001, 'en')).toBe('<0.01 %')
  expect(percent(0, 'en')).toBe('0 %')
  expect(percent(null, 'en')).toBe('–')
})

test('a duration has its two largest units', () => {
  expect([0, 999, 1_000, 12_340, 200_000, 18_600_000, 183_600_000].map((ms) => duration(ms, 'en'))).toEqual([
    '0 ms', '999 ms', '1.00 s', '12.3 s', '3 min 20 s', '5 h 10 min', '2 d 3 h',
  ])
})

test('counts, sizes and money keep their magnitude', () => {
  expect([0, 9_999, 12_345, 1_234_567].map((value) => count(value, 'en'))).toEqual(['0', '9,999', '12.3K', '1.2M'])
  expect([0, 1023, 1024, 10 * 1024 * 1024].map(bytes)).toEqual(['0 B', '1023 B', '1.0 KiB', '10 MiB'])
  expect([0, 0.0042, 12.5].map((value) => usd(value, 'en'))).toEqual(['$0.00', '$0.0042', '$12.50'])
})

test('a moment is said relative to now, in the reader’s language', () => {
  expect(relative(0, 200_000, 'en')).toBe('3 min. ago')
  expect(relative(7_300_000, 0, 'en')).toBe('in 2 hr.')
  expect(relative(0, 90_000, 'zh')).toBe('1分钟前')
})

test('durations take the language', () => {
  expect(duration(239_000, 'zh')).toBe('3 分 59 秒')
  expect(duration(840, 'zh-CN')).toBe('840 毫秒')
  expect(duration(93_784_000, 'zh')).toBe('1 天 2 小时')
  expect([span(12, 'en'), span(12, 'zh'), span(243, 'zh')]).toEqual(['12 s', '12 秒', '4 分 3 秒'])
})
