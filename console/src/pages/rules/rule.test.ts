import { expect, test } from 'vitest'
import { isSame, pairs, read, type Rule, ruleOf, valuesOf, written } from './rule'

const rule: Rule = { id: 3, name: 'maintenance', enabled: true, note: 'why', when: { platform: 'anthropic', upstream_status_codes: [503, 529], stream: false, account_id: 2 }, then: { severity: 'P3', counts: false } }

test('a rule goes through the form unchanged', () => {
  expect(ruleOf(valuesOf(rule), 3)).toEqual(rule)
})

test('rules are read as they were written', () => {
  expect(read(written([rule]))).toEqual([rule])
  expect(read(JSON.stringify({ version: 2, rules: [rule] }))).toEqual([rule])
})

test('what is no list of rules is refused with the reason', () => {
  expect(read('{')).toMatchObject({ word: 'jsonWrong' })
  expect(read('{"rules": 1}')).toEqual({ word: 'jsonList' })
  expect(read(JSON.stringify([rule, { name: 'x', when: {} }]))).toEqual({ word: 'jsonRule', at: 2 })
})

test('what says nothing makes no difference, nor does the order of names', () => {
  const other = { then: { counts: false, severity: 'P3' as const, cause: null }, when: { ...rule.when, model: null, status_codes: [] }, note: 'why', name: 'maintenance', id: 3 }
  expect(isSame([rule], [other])).toBe(true)
  expect(isSame([rule], [{ ...rule, enabled: false }])).toBe(false)
})

test('false is something that is said', () => {
  expect(pairs(rule.then)).toEqual([['severity', 'P3'], ['counts', 'false']])
})
