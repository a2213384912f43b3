import { expect, test } from 'vitest'
import { jobState, took } from './job'

const at = (second: number) => new Date(second * 1_000).toISOString()
const job = { name: 'rollups', runs: 3, failures: 0 }

test('a job that began after it last ended runs, until its lease is over', () => {
  const running = { ...job, started_at: at(10), finished_at: at(5), lease_until: at(40) }
  expect(jobState(running, 20_000)).toBe('running')
  expect(jobState(running, 50_000)).toBe('silent')
  expect(took(running)).toBeUndefined()
})

test('a job that ended says how, one that never began says so', () => {
  const ended = { ...job, started_at: at(10), finished_at: at(12), outcome: 'failed' as const }
  expect(jobState(ended, 99_000)).toBe('failed')
  expect(jobState({ ...ended, outcome: 'ok' as const }, 99_000)).toBe('ok')
  expect(took(ended)).toBe(2_000)
  expect(jobState(job, 0)).toBe('never')
})
