import { expect, test } from 'vitest'
import type { Silence } from './kinds'
import { silencedUntil } from './silenced'

const now = Date.parse('2027-01-15T08:00:00Z')
const event = { rule_id: 3, scope: { platform: 'openai' as const, account_id: 7, group_ids: [1, 2] } }
const silence = (given: Partial<Silence>): Silence => ({ id: 1, created_at: '', updated_at: '', until: '2027-01-15T09:00:00Z', ...given })

test.each([
  ['everything', {}, true],
  ['its rule', { rule_id: 3 }, true],
  ['another rule', { rule_id: 4 }, false],
  ['one of its groups', { group_id: 2 }, true],
  ['another group', { group_id: 3 }, false],
  ['its rule of another platform', { rule_id: 3, platform: 'gemini' }, false],
  ['its account', { account_id: 7, platform: 'openai' }, true],
  ['its rule, which is over', { rule_id: 3, until: '2027-01-15T08:00:00Z' }, false],
] as const)('a silence of %s', (_, given, isCovered) => {
  expect(silencedUntil(event, [silence(given)], now) !== undefined).toBe(isCovered)
})

test('of several silences the last to end counts', () => {
  const later = '2027-01-15T12:00:00Z'
  expect(silencedUntil(event, [silence({}), silence({ until: later }), silence({ rule_id: 3 })], now)).toBe(later)
})

test('what is of nothing is not covered by a silence of an account', () => {
  expect(silencedUntil({ rule_id: 3, scope: {} }, [silence({ account_id: 7 })], now)).toBeUndefined()
})
