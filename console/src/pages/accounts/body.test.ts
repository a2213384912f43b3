import { expect, test } from 'vitest'
import { blank, credentialBody, formBody, mistakes, patchBody, valuesOf } from './body'
import type { Account } from './data'

const stored: Account = {
  id: 7, name: 'a', platform: 'openai', base_url: 'https://api.openai.com', fallback_urls: [], apis: ['chat_completions', 'responses'], project: null, group_ids: [1], groups: ['g'], priority: 2, concurrency: 8,
  models: ['gpt-*'], model_mapping: [], http_version: 'auto', quota: { requests_per_minute: 50 }, counted_statuses: null, state_rules: [{ name: 'r', statuses: [400], contains: 'x', state: 'paused', for_seconds: 60, scope: 'account' }],
  probe: null, status: 'active', created_at: '', updated_at: '', proxy: 'socks5://host:1080', headers: ['x-team'], credential: { kind: 'api_key' }, in_flight: 0, state: { status: 'active', marks: [] },
}

test('an account that nobody touched is not changed, and its secrets are kept', () => {
  expect(patchBody(valuesOf(stored), valuesOf(stored))).toEqual({})
})

test('a change says what was changed, and null for what was taken away', () => {
  const after = { ...valuesOf(stored), concurrency: '', proxyFate: 'remove' as const, headersFate: 'replace' as const, headers: [{ name: 'x-team', value: 'b' }, { name: '', value: '' }] }
  expect(patchBody(valuesOf(stored), after)).toEqual({ concurrency: null, proxy: null, headers: { 'x-team': 'b' } })
})

test('an address and APIs that were emptied are again what they are where nobody says otherwise', () => {
  const before = { ...valuesOf(stored), base_url: 'http://one.example', apis: ['responses'] }
  expect(patchBody(before, { ...before, base_url: ' ', apis: [] })).toEqual({ base_url: 'https://api.openai.com', apis: ['chat_completions', 'responses'] })
})

test('a credential is sent of its kind alone', () => {
  const typed = { ...blank().credential, api_key: 'left over', refresh_token: 'r', client_id: 'c' }
  expect(credentialBody({ ...typed, kind: 'refresh_token' })).toEqual({ refresh_token: 'r', client_id: 'c' })
  expect(credentialBody({ ...typed, kind: 'api_key' })).toEqual({ api_key: 'left over' })
})

test('a new account says nothing of what another platform alone has', () => {
  const body = formBody({ ...blank(), name: ' n ', project: 'p', apis: ['responses'] })
  expect(body).toMatchObject({ name: 'n', platform: 'anthropic', status: 'active' })
  expect(Object.keys(body)).not.toEqual(expect.arrayContaining(['project']))
  expect(body.apis).toBeUndefined()
  expect(body.base_url).toBeUndefined()
})

test('a name and the credential of the kind that was chosen are needed', () => {
  expect(mistakes(blank(), 'needed')).toEqual({ name: 'needed', 'credential.api_key': 'needed' })
  expect(mistakes(valuesOf(stored), 'needed')).toEqual({})
})

test('a header that is replaced needs its value again, and a value its name', () => {
  const nameless = { ...valuesOf(stored), headersFate: 'replace' as const, headers: [{ name: '', value: 'v' }] }
  expect(mistakes(nameless, 'needed')).toEqual({ 'headers.0.name': 'needed' })
  const headers = [{ name: 'x-team', value: '' }, { name: 'x-new', value: 'v' }, { name: '', value: '' }]
  expect(mistakes({ ...valuesOf(stored), headersFate: 'replace', headers }, 'needed')).toEqual({ 'headers.0.value': 'needed' })
  expect(mistakes({ ...valuesOf(stored), headers }, 'needed')).toEqual({})
})
