import { expect, test } from 'vitest'
import { IGNORES, KEPT, type Settings, THRESHOLDS } from './api'
import { changeOf, shortened, valuesOf } from './values'

const all = <T>(names: readonly string[], value: T) => Object.fromEntries(names.map((name) => [name, value])) as never

const settings: Settings = {
  version: 4,
  monitoring: { enabled: { default: true, in_force: true } },
  thresholds: all(THRESHOLDS, { default: 5, in_force: 5 }),
  ignore: all(IGNORES, { default: false, set: true, in_force: true }),
  retention: all(KEPT, { configured: 30, set: 60, in_force: 60 }),
}

test('settings that nobody touched are not changed', () => {
  expect(changeOf(4, valuesOf(settings), valuesOf(settings))).toEqual({ version: 4 })
})

test('a change says only what was changed, off where there is no threshold, and null for a choice taken back', () => {
  const after = structuredClone(valuesOf(settings))
  after.enabled = false
  after.thresholds.sla_percent_min = { off: true, at: '' }
  after.thresholds.ttft_p99_ms_max = { off: false, at: 8000 }
  after.ignore.invalid_api_keys = null
  after.retention.audit_days = ''
  expect(changeOf(4, valuesOf(settings), after)).toEqual({
    version: 4,
    monitoring: { enabled: false },
    thresholds: { sla_percent_min: 'off', ttft_p99_ms_max: 8000 },
    ignore: { invalid_api_keys: null },
    retention: { audit_days: null },
  })
})

test('what is kept for less long is named, also where a choice is taken back', () => {
  expect(shortened(settings, { version: 4, retention: { errors_days: 7, requests_days: 90, audit_days: null } })).toEqual([
    { name: 'errors_days', from: 60, to: 7 },
    { name: 'audit_days', from: 60, to: 30 },
  ])
})
