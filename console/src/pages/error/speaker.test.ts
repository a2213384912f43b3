import { expect, test } from 'vitest'
import { speakerOf } from './speaker'

test.each([
  ['stream.truncated', 200],
  ['stream.stalled', 200],
  ['network.timeout', null],
  ['network.reset', 200],
  ['upstream.invalid_response', 200],
  ['upstream.invalid_response', null],
] as const)('of %s with %s the gateway says what it saw', (cause, status) => {
  expect(speakerOf(cause, status)).toBe('gateway')
})

test.each([
  ['overloaded', 529],
  ['upstream.timeout', 504],
  ['stream.error_event', 200],
  ['upstream.invalid_response', 302],
] as const)('%s with %s are the provider’s words', (cause, status) => {
  expect(speakerOf(cause, status)).toBe('provider')
})
