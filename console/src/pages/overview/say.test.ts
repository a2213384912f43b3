import i18next, { type TFunction } from 'i18next'
import { beforeAll, expect, test } from 'vitest'
import { en } from '../../words/en'
import { zh } from '../../words/zh'
import { accountOf, alertOf, facts, issueOf, trend } from './sample'
import { type Piece, say } from './say'
import { type Facts, stateOf } from './state'

const languages = i18next.createInstance()
beforeAll(() => languages.init({ resources: { en, zh }, interpolation: { escapeValue: false } }))

const clock = (at: number) => new Date(at).toISOString().slice(11, 16)

function pieces(given: Facts, language: 'en' | 'zh' = 'en', window: Record<string, string> = { time_range: '1h' }): Piece[] {
  return say(stateOf(given), { t: languages.getFixedT(language, ['overview', 'accounts']) as TFunction<['overview', 'accounts']>, language, clock, window })
}

function text(given: Facts, language: 'en' | 'zh' = 'en', window?: Record<string, string>): string {
  return pieces(given, language, window)
    .map(({ text }) => text)
    .join('')
}

const calm = Array.from({ length: 41 }, () => '0/40')
const limited = { ...facts({ trends: [trend('anthropic', [...calm, '4/40', '4/40', '4/40'])], accounts: [accountOf('anthropic-3', 'rate_limited')] }) }
limited.trends[0]?.points.slice(-3).forEach((point) => (point.recovered = 63))

test('what is well is said with how much was served', () => {
  const given = facts({ trends: [trend('anthropic', calm)] })
  expect(text(given)).toBe('All well: 12,340 requests in the last hour, 99.98 % served.')
  expect(text(given, 'zh')).toBe('一切正常：最近 1 小时共 12,340 个请求，成功率 99.98 %。')
})

test('what is degraded is said with whose it is, since when, why, and what failover covers', () => {
  expect(text(limited)).toBe('Claude traffic degraded since 02:41: 12 of 120 requests failed, anthropic-3 rate limited, failover covers 94 %.')
  expect(text(limited, 'zh')).toBe('Claude 流量自 02:41 起降级：120 个请求中有 12 个失败，anthropic-3 被限流，故障转移掩盖了 94 %。')
})

test('what somebody ignored is still what fails, and it is said who did and until when', () => {
  const aside = issueOf('upstream said no', { state: 'ignored', state_by: 'ada', ignore_until: '2026-03-04T14:20:00Z' })
  const given = { ...limited, accounts: [], issues: [aside] }
  expect(text(given)).toContain('mostly “upstream said no” (ignored by ada until 14:20)')
  expect(text(given, 'zh')).toContain('主要是“upstream said no”（ada 已忽略，至 14:20）')
  expect(text({ ...given, issues: [aside, issueOf('another', {})] })).toContain('mostly “another”, ')
})

test('what is named leads to where it is', () => {
  const found = pieces(limited).flatMap(({ text, target }) => (target ? [[text, target.to]] : []))
  expect(found).toEqual([
    ['since 02:41', '/errors'],
    ['12 of 120 requests failed', '/errors'],
    ['anthropic-3', '/accounts/$id'],
    ['failover covers 94 %', '/upstream-errors'],
  ])
  const failed = pieces(limited).find(({ text }) => text.includes('requests failed'))?.target
  expect(failed?.search).toEqual({ start_time: '2026-03-04T02:41:00.000Z', view: 'errors', platform: 'anthropic' })
})

test('the provider’s text is a piece of its own, and cut where it is long', () => {
  const title = `${'long '.repeat(30)}<script>alert(1)</script>`
  const given = facts({ trends: [trend('openai', ['9/40', '9/40'])], issues: [issueOf(title, { platform: 'openai' })] })
  const said = pieces(given).find(({ isSaid }) => isSaid)
  expect(said?.text).toBe(`${'long '.repeat(14).trimEnd()}…`)
  expect(said?.target).toMatchObject({ to: '/issues/$fingerprint', params: { fingerprint: 'f00d' } })
})

test('a text that looks like a place of the template stays text', () => {
  const given = facts({ trends: [trend('openai', ['9/40', '9/40'])], issues: [issueOf('{{name}} $t(title)', { platform: 'openai' })] })
  expect(text(given)).toContain('mostly “{{name}} $t(title)”')
})

test('two platforms are both named, accounts beyond two are counted, and an alert is told', () => {
  const bad = ['9/40', '9/40']
  const given = facts({
    trends: [trend('anthropic', bad), trend('gemini', bad), trend('openai', ['0/40', '0/40'])],
    accounts: ['a', 'b', 'c', 'd'].map((name) => accountOf(name, 'overloaded')),
    alerts: [alertOf('P0')],
  })
  expect(text(given)).toBe('Claude and Gemini traffic degraded since 02:00 or before: 36 of 160 requests failed, a overloaded, b overloaded, 2 more accounts out, alert “Too many errors” firing.')
  expect(text(given, 'zh')).toBe('Claude和Gemini 流量自 02:00 或更早起降级：160 个请求中有 36 个失败，a 过载，b 过载，另有 2 个账号不可用，告警“Too many errors”触发中。')
})

test('served with accounts out, recovered, down and idle have their sentences', () => {
  const strained = facts({ trends: [trend('anthropic', calm)], accounts: [accountOf('anthropic-3', 'error')], recovered: 5 })
  expect(text(strained)).toBe('Clients are served (99.98 % of 12,340 requests in the last hour), with trouble behind: anthropic-3 refused since 02:41, failover covers 100 %.')
  const over = facts({ trends: [trend('openai', ['0/40', '0/40', '0/40', '0/40', '0/40', '9/40', ...calm.slice(0, 9)])], sla: 97 })
  expect(text(over)).toBe('OpenAI traffic was degraded from 02:05 to 02:06: 9 of 40 requests failed. Well since.')
  expect(text(over, 'zh')).toBe('OpenAI 流量在 02:05 至 02:06 期间曾降级：40 个请求中有 9 个失败。此后恢复正常。')
  const then = facts({ trends: [trend('openai', ['0/40', '9/40', '9/40'])], isNow: false })
  expect(text(then)).toBe('OpenAI traffic was degraded from 02:01 to 02:03: 18 of 80 requests failed.')
  const down = facts({ trends: [trend('gemini', ['0/0', '0/0', '40/40'])] })
  expect(text(down)).toBe('Gemini traffic down since 02:02: 40 of 40 requests failed.')
  expect(text(facts({ trends: [], requests: 0 }), 'en', { start_time: '2026-03-04T02:00:00Z', end_time: '2026-03-04T03:00:00Z' })).toBe('Nothing was asked for in this time.')
})
