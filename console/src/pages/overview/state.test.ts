import { expect, test } from 'vitest'
import { accountOf, alertOf, facts, issueOf, minute, trend } from './sample'
import { accountsOut, stateOf, stretchOf } from './state'

test('a service without failures is well, and one that nobody asks is idle', () => {
  expect(stateOf(facts({ trends: [trend('anthropic', ['0/50', '0/50', '0/50'])] })).level).toBe('well')
  expect(stateOf(facts({ trends: [] , requests: 0 })).level).toBe('idle')
})

test('too many failures of the last minutes are degraded, since the step that began it', () => {
  const calm = Array.from({ length: 20 }, () => '0/40')
  const state = stateOf(facts({ trends: [trend('anthropic', [...calm, '1/40', '8/40', '9/40', '7/40']), trend('openai', calm)] }))
  expect(state).toMatchObject({ level: 'degraded', who: ['anthropic'], since: { at: minute(20), isBound: false }, failed: { part: 25, of: 160 } })
  expect(state.until).toBeUndefined()
})

test('what failed earlier and does not any more has recovered, with both its ends', () => {
  const calm = Array.from({ length: 10 }, () => '0/40')
  const state = stateOf(facts({ trends: [trend('openai', [...calm, '20/40', '20/40', ...calm])], sla: 90 }))
  expect(state).toMatchObject({ level: 'recovered', since: { at: minute(10) }, until: minute(12), failed: { part: 40, of: 80 } })
})

test('where almost nothing is served it is down', () => {
  expect(stateOf(facts({ trends: [trend('gemini', ['0/9', '9/10', '10/10'])] })).level).toBe('down')
})

test('a single failure is an accident, unless nothing else was asked', () => {
  expect(stateOf(facts({ trends: [trend('gemini', ['0/0', '1/1', '0/0'])], sla: 0 })).level).toBe('down')
  expect(stateOf(facts({ trends: [trend('gemini', ['0/9', '1/10', '0/10'])], sla: 96 })).level).toBe('strained')
  expect(stateOf(facts({ trends: [trend('gemini', ['0/9', '1/10', '0/10'])] })).level).toBe('well')
})

test('all platforms that are asked together are all traffic', () => {
  const bad = ['0/40', '9/40', '9/40']
  expect(stateOf(facts({ trends: [trend('anthropic', bad), trend('openai', bad), trend('gemini', ['0/0', '0/0', '0/0'])] })).who).toBe('all')
  expect(stateOf(facts({ trends: [trend('anthropic', bad), trend('openai', ['0/40', '0/40', '0/40'])] })).who).toEqual(['anthropic'])
})

test('the server’s own threshold decides where it has one', () => {
  const trends = [trend('anthropic', ['2/40', '2/40', '2/40'])]
  expect(stateOf(facts({ trends })).level).toBe('degraded')
  expect(stateOf(facts({ trends, threshold: 90 })).level).toBe('well')
})

test('clients that are served while accounts are out are strained, not degraded', () => {
  const state = stateOf(facts({ trends: [trend('anthropic', ['0/40'])], accounts: [accountOf('anthropic-3', 'rate_limited')], recovered: 12 }))
  expect(state).toMatchObject({ level: 'strained', coveredPercent: 100 })
  expect(state.accounts).toHaveLength(1)
  expect(stateOf(facts({ trends: [trend('anthropic', ['0/40'])], alerts: [alertOf('P1')] })).level).toBe('strained')
  expect(stateOf(facts({ trends: [trend('anthropic', ['0/40'])], alerts: [alertOf('P3')] })).level).toBe('well')
})

test('reasons are those of the platform that is in trouble', () => {
  const state = stateOf(
    facts({
      trends: [trend('anthropic', ['9/40', '9/40']), trend('openai', ['0/40', '0/40'])],
      accounts: [accountOf('openai-1', 'error', 'openai'), accountOf('anthropic-3', 'overloaded')],
      issues: [issueOf('hidden by failover', { count: 0 }), issueOf('of openai', { platform: 'openai' }), issueOf('put aside', { state: 'ignored' }), issueOf('theirs', {})],
    }),
  )
  expect(state.accounts.map(({ account_name }) => account_name)).toEqual(['anthropic-3'])
  expect(state.issue?.title).toBe('theirs')
})

test('accounts that somebody switched off are nobody’s trouble; those that need somebody come first', () => {
  const accounts = [accountOf('limited', 'rate_limited'), accountOf('off', 'disabled'), accountOf('refused', 'error'), accountOf('serving', 'active')]
  expect(accountsOut(accounts, null).map(({ account_name }) => account_name)).toEqual(['refused', 'limited'])
})

test('a stretch goes back to the window’s beginning, and over time in which nobody asked', () => {
  const bad = Array.from({ length: 12 }, () => '5/40')
  expect(stretchOf(trend('anthropic', bad), 99.5, minute(12), true).stretch).toMatchObject({ from: minute(0), to: null, isBound: true })
  const silent = Array.from({ length: 11 }, () => '0/0')
  expect(stretchOf(trend('anthropic', ['0/40', '9/40', ...silent]), 99.5, minute(13), true).stretch).toMatchObject({ from: minute(1), to: null, isBound: false })
  expect(stretchOf(trend('anthropic', bad), 99.5, minute(12), false).stretch).toMatchObject({ to: minute(12) })
  expect(stretchOf(trend('anthropic', []), 99.5, 0, true)).toEqual({})
})

test('what comes and goes has one beginning, and a long calm ends it', () => {
  const calm = (minutes: number) => Array.from({ length: minutes }, () => '0/40')
  const flapping = [...calm(30), '9/40', '9/40', ...calm(8), '9/40', ...calm(7), '9/40', '9/40']
  expect(stretchOf(trend('openai', flapping), 99.5, minute(50), true).stretch).toMatchObject({ from: minute(30), to: null })
  const again = [...calm(5), '9/40', ...calm(24), '9/40']
  expect(stretchOf(trend('openai', again), 99.5, minute(31), true).stretch).toMatchObject({ from: minute(30), to: null })
})
