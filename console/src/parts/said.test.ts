import { expect, test } from 'vitest'
import { heard, type Said, said } from './said'

const QUIET: Said = { value: '', waits: [] }

test('what comes back is an echo, however late and with however much left out', () => {
  const spoken = said(said(said(QUIET, 'a'), 'ab'), 'abc')
  const first = heard(spoken, 'ab')
  expect([first.isEcho, first.next]).toEqual([true, { value: 'ab', waits: ['abc'] }])
  expect(heard(first.next, 'abc')).toEqual({ isEcho: true, next: { value: 'abc', waits: [] } })
})

test('what others say is none', () => {
  expect(heard(said(QUIET, 'a'), 'other')).toEqual({ isEcho: false, next: { value: 'other', waits: [] } })
  // It was said once, and came back: the next time it is somebody else’s word.
  const back = heard(said(QUIET, 'a'), 'a').next
  expect(heard(heard(back, '').next, 'a').isEcho).toBe(false)
})

test('the same again is nothing new', () => {
  expect(said(QUIET, '')).toBe(QUIET)
  const once = said(QUIET, 'a')
  expect(said(once, 'a')).toBe(once)
  expect(said(once, '').waits).toEqual(['a', ''])
})
