import { expect, test } from 'vitest'
import { Problem } from './problem'
import { type Beat, pulseOf } from './pulse'

const away = new Problem(0, 'unreachable', 'Failed to fetch')
const slow = new Problem(503, 'query_too_slow', 'it took too long')
const beat = (change: Partial<Beat>): Beat => ({ isSeen: true, answeredAt: 1_000, hasData: true, trouble: null, troubleAt: 0, ...change })

test('answers are well', () => {
  expect(pulseOf([])).toEqual({ is: 'well' })
  expect(pulseOf([beat({}), beat({ isSeen: false, trouble: away, troubleAt: 2_000 })])).toEqual({ is: 'well' })
})

test('silence counts from the last answer that anybody had', () => {
  expect(pulseOf([beat({ trouble: away, troubleAt: 5_000 }), beat({ answeredAt: 3_000, isSeen: false })])).toEqual({ is: 'silent', since: 3_000 })
  expect(pulseOf([beat({ answeredAt: 0, hasData: false, trouble: away, troubleAt: 5_000 }), beat({})])).toEqual({ is: 'silent', since: 1_000 })
  const proxy = new Problem(502, 'unreadable', '<html>')
  expect(pulseOf([beat({ trouble: proxy, troubleAt: 5_000 })])).toEqual({ is: 'silent', since: 1_000 })
})

test('one failure among answers is no silence', () => {
  expect(pulseOf([beat({ trouble: away, troubleAt: 2_000 }), beat({ answeredAt: 2_500 })])).toEqual({ is: 'stale', since: 1_000, detail: 'Failed to fetch' })
  // A refusal is an answer, too.
  expect(pulseOf([beat({ hasData: false, trouble: away, troubleAt: 2_000 }), beat({ hasData: false, trouble: slow, troubleAt: 2_500 })])).toEqual({ is: 'well' })
})

test('what is refused anew is said with the age of what stands there; what never had an answer says so itself', () => {
  expect(pulseOf([beat({ trouble: slow, troubleAt: 9_000 }), beat({ answeredAt: 500, trouble: slow, troubleAt: 9_000 })])).toEqual({ is: 'stale', since: 500, detail: 'it took too long' })
  expect(pulseOf([beat({ answeredAt: 0, hasData: false, trouble: slow, troubleAt: 9_000 })])).toEqual({ is: 'well' })
})
