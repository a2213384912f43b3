import { expect, test } from 'vitest'
import { COMPARED, compared } from './compare'

const before = { status_code: 429, cause: 'rate_limit.requests', message: 'slow down', account_name: 'a', latency_ms: 40, error_body: '{}' } as const

test('each part of the answer stands beside what it was, in a fixed order', () => {
  const lines = compared(before, { http_status_code: 200, result_cause: null, error_message: null, used_account_id: 2, duration_ms: 40, response_preview: 'Hi' }, 'b')
  expect(lines.map(({ what }) => what)).toEqual([...COMPARED])
  expect(lines.map(({ isSame }) => isSame)).toEqual([false, false, false, false, true, false])
  expect(lines[0]).toEqual({ what: 'status', before: 429, after: 200, isSame: false })
})

test('what is not known is nothing, and nothing is the same as nothing', () => {
  const lines = compared({ ...before, account_name: null, error_body: undefined }, { http_status_code: 429, response_truncated: false } as never, undefined)
  expect(lines.filter(({ isSame }) => isSame).map(({ what }) => what)).toEqual(['status', 'account', 'answer'])
  expect(lines.find(({ what }) => what === 'cause')?.after).toBeNull()
})
