import { expect, test } from 'vitest'
import { isoOf, localInput } from './moment'

test('a moment survives an input of the browser to the second, in any zone', () => {
  expect(isoOf(localInput('2026-03-01T12:34:56.789Z'))).toBe('2026-03-01T12:34:56.000Z')
})

test('no moment is an empty input, and the other way round; what is no moment is none', () => {
  expect([localInput(null), isoOf(''), isoOf('soon')]).toEqual(['', null, null])
})
