import { expect, test } from 'vitest'
import { passwordMistakes, tooShort } from './password'

const said = { short: 'short', different: 'different' }

test('a password is measured in characters', () => {
  expect(tooShort('🙂'.repeat(11))).toBe(true)
  expect(tooShort('🙂'.repeat(12))).toBe(false)
})

test('a password that is typed twice is the same twice', () => {
  expect(passwordMistakes({ password: 'a'.repeat(12), again: 'b' }, said)).toEqual({ again: 'different' })
  expect(passwordMistakes({ password: 'a', again: 'a' }, said)).toEqual({ password: 'short' })
})

test('one that need not be given may be left out, but not by half', () => {
  expect(passwordMistakes({ password: '', again: '' }, said, true)).toEqual({})
  expect(passwordMistakes({ password: '', again: 'x' }, said, true)).toEqual({ password: 'short', again: 'different' })
})
