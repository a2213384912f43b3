import { expect, test } from 'vitest'
import { placeAt } from '../../build/place.ts'
import { wantedOf } from '../words/wanted'

const KNOWN = ['en', 'zh'] as const

test('what was chosen is spoken, else the first of the browser’s languages that is known', () => {
  expect(wantedOf(['zh', 'en-GB'], KNOWN)).toBe('zh')
  expect(wantedOf([null, 'fr', 'zh-CN', 'en'], KNOWN)).toBe('zh')
  expect(wantedOf([null, 'en-US', 'zh'], KNOWN)).toBe('en')
  expect(wantedOf(['tlh', 'fr'], KNOWN)).toBe('en')
})

test('a place is known by its address, whatever stands before the console', () => {
  expect(placeAt('/console/', '/console/')).toBe('')
  expect(placeAt('/console/errors', '/console/')).toBe('errors')
  expect(placeAt('/console/errors/42', '/console/')).toBe('errors/')
  expect(placeAt('/console/llm/console/issues/a%2Fb', '/console/llm/console/')).toBe('issues/')
  // A proxy that gives the console a host of its own.
  expect(placeAt('/alerts', '/')).toBe('alerts')
  expect(placeAt('/errors/', '/')).toBe('errors')
})
