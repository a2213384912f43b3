import { expect, test } from 'vitest'
import type { Mark } from './data'
import { deciding, lastSaid } from './marks'

const mark = (scope: string, until: string | null, since = '2026-01-01T00:00:00Z', reason = scope): Mark => ({ scope, until, since, reason, kind: 'rate_limited', event_id: 1, half_open: false, strikes: 1 })

test('a mark of the whole account decides before those of models, and of equals the longest', () => {
  const whole = mark('account', '2026-01-01T01:00:00Z')
  expect(deciding([mark('model:a', '2026-01-01T09:00:00Z'), whole])).toBe(whole)
  const forever = mark('account', null)
  expect(deciding([whole, forever])).toBe(forever)
  expect(deciding([])).toBeUndefined()
})

test('what was said last is the newest, a token’s failure too', () => {
  const state = { marks: [mark('account', null, '2026-01-01T00:00:00Z', 'old'), mark('model:a', null, '2026-01-01T02:00:00Z', 'new')] }
  expect(lastSaid({ state, credential: {} })?.said).toBe('new')
  expect(lastSaid({ state, credential: { last_failure: { at: '2026-01-01T03:00:00Z', message: 'no token' } } })?.said).toBe('no token')
  expect(lastSaid({ state: { marks: [] }, credential: {} })).toBeUndefined()
})
