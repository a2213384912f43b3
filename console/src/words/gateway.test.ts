import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import type { Of } from '../api/client'
import { gatewayIn } from './gateway'
import { gateway as zh } from './zh/gateway'

const RUST = path.join(import.meta.dirname, '../../../crates/gateway/src')
const source = (name: string) => readFileSync(path.join(RUST, name), 'utf8').split('#[cfg(test)]')[0] ?? ''
const sentences = (name: string) => [...source(name).replaceAll(/^\s*\/\/.*$/gm, '').matchAll(/"([^"]*)"/g)].map(([, text]) => text ?? '').filter((text) => text.includes(' '))

const english = gatewayIn(undefined)
const chinese = gatewayIn(zh)

const one: Of<'Difference'> = {
  attribute: 'account', value: '3', name: 'main', score: 0.8, sentence: '96 % of these failures are on account main, which served 12 % of the successes (480 of 500, 1,220 of 10,100).',
  failures: 480, failures_known: 500, failure_share: 0.96, successes: 1_220, successes_known: 10_100, success_share: 0.12,
}

test('every sentence without a code is said in Chinese, and none that the gateway does not say', () => {
  const said = ['upstream/decide.rs', 'admin/dashboard/health.rs'].flatMap(sentences)
  expect(said.filter((text) => !(text in zh.sentence))).toEqual([])
  const all = [...said, source('relay/stream.rs')].join('\n')
  expect(Object.keys(zh.sentence).filter((text) => !all.includes(text))).toEqual([])
})

test('in English the gateway speaks for itself', () => {
  expect(english.explanation('overloaded', 'It is full.')).toBe('It is full.')
  expect(english.scope('family:opus')).toBe('family:opus')
  expect(english.difference(one)).toBe(one.sentence)
})

test('what another language has no words for is what the gateway says', () => {
  expect(chinese.explanation('overloaded', 'It is full.')).toBe('供应商目前没有该模型的余量。')
  expect(chinese.explanation('brand.new', 'It is new.')).toBe('It is new.')
  expect(chinese.sentence('something new')).toBe('something new')
  expect(chinese.phase('upstream')).toBe('上游')
  expect(chinese.scope('provider')).toBe('通往同一供应商的全部账号')
  expect(chinese.scope('model:a:b')).toBe('模型 a:b')
  expect(chinese.filtered('owner', 'platform')).toBe('网关')
  expect(chinese.filtered('platform', 'anthropic')).toBe('anthropic')
})

test('a difference has its numbers in any language', () => {
  expect(chinese.difference(one)).toBe('这些失败中有 96 % 在账号 main 上（480 / 500），成功请求中则为 12 %（1,220 / 10,100）。')
  expect(chinese.difference({ ...one, attribute: 'body_size', value: '262144', name: '256 KiB to 1 MiB' })).toContain('正文大小为 256 KiB 至 1.0 MiB')
  expect(chinese.difference({ ...one, attribute: 'anthropic-beta', value: 'none', name: 'none' })).toContain('没有发送 anthropic-beta')
})

test('what came of a comparison is said', () => {
  const found = { finding: 'stands_out', attributes: [one], summary: one.sentence, failures: 500, successes: 10_100, sampled: false } as unknown as Of<'Differences'>
  expect(chinese.summary(found)).toBe(chinese.difference(one))
  expect(chinese.summary({ ...found, finding: 'too_few', attributes: [] })).toContain('无法判断')
  expect(english.summary(found)).toBe(one.sentence)
})
