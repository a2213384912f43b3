import { expect, test } from 'vitest'
import { placeOf, valued } from './kinds'
import { joined, line } from './line'

const MINUTE = 60_000

function steps(failures: readonly (readonly [failed: number, of: number])[], stepMs: number) {
  const at = (index: number) => new Date(index * stepMs).toISOString()
  const errors = failures.map(([failed, of], index) => ({ start_time: at(index), failures: failed, sla: { part: of - failed, of } }))
  const throughput = failures.map((_, index) => ({ start_time: at(index), attempts: 0 }))
  return joined(errors as never, throughput as never)
}

test('a share is that of the whole window, and of nothing there is none', () => {
  const found = line('error_rate', steps([[0, 0], [1, 10], [3, 10]], MINUTE), MINUTE, 2 * MINUTE)
  expect(found.map(([, value]) => value)).toEqual([null, 10, 20])
})

test('a count is summed over the window', () => {
  const found = line('failures', steps([[1, 10], [2, 10], [4, 10]], MINUTE), MINUTE, 2 * MINUTE)
  expect(found.map(([, value]) => value)).toEqual([1, 3, 6])
})

test('of steps that are longer than the window a count is its share', () => {
  const found = line('failures', steps([[60, 100]], 60 * MINUTE), 60 * MINUTE, 5 * MINUTE)
  expect(found[0]?.[1]).toBe(5)
})

test('quantiles are not drawn', () => {
  expect(line('latency_p99', steps([[1, 10]], MINUTE), MINUTE, MINUTE)).toEqual([])
})

test('what an event is about leads to its page', () => {
  expect(placeOf('account:3')).toEqual({ kind: 'account', id: '3' })
  expect(placeOf('all')).toBeUndefined()
})

test('values have their units', () => {
  expect(valued(12.5, 'percent', 'en')).toBe('12.5 %')
  expect(valued(14.4, 'factor', 'en')).toBe('14.4 ×')
  expect(valued(null, 'ms', 'en')).toBe('–')
})
