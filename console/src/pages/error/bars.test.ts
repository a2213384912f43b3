import { expect, test } from 'vitest'
import { placed, type Times, waterfall } from './bars'

const arrived = Date.parse('2026-01-01T00:00:00.000Z')
const attempt = (number: number, after: number, duration_ms: number) => ({ attempt: number, at_unix_ms: arrived + after, duration_ms }) as Times['attempts'][number]
const times = (given: Partial<Times>): Times => ({ created_at: '2026-01-01T00:00:00.000Z', latency_ms: 0, recovered: false, attempts: [], ...given })
const said = (given: Partial<Times>) => waterfall(times(given)).bars.map(({ key, start, length }) => [key, start, length])

test('a request that was refused at the door has one bar', () => {
  const { bars, total, elsewhere } = waterfall(times({ latency_ms: 3, auth_latency_ms: 2 }))
  expect(bars.map(({ stage }) => stage)).toEqual(['auth'])
  expect([total, elsewhere]).toEqual([3, 1])
})

test('stages follow one another, and waiting is no part of choosing', () => {
  expect(said({ latency_ms: 900, auth_latency_ms: 5, routing_latency_ms: 310, queued: { waited_ms: 300 }, attempts: [attempt(1, 315, 585)] })).toEqual([
    ['auth', 0, 5], ['routing', 5, 10], ['queue', 15, 300], ['attempt-1', 315, 585],
  ])
})

test('attempts stand where they began, in their order, and pauses between them are told', () => {
  const { bars, elsewhere } = waterfall(times({ latency_ms: 400, auth_latency_ms: 0, routing_latency_ms: 0, attempts: [attempt(2, 300, 100), attempt(1, 0, 100)] }))
  expect(bars.filter(({ stage }) => stage === 'attempt').map(({ start }) => start)).toEqual([0, 300])
  expect(elsewhere).toBe(200)
})

test('what served in the end ends where its relay begins', () => {
  expect(said({ latency_ms: 500, response_latency_ms: 100, upstream_latency_ms: 200, recovered: true, attempts: [attempt(1, 0, 150)] })).toEqual([
    ['attempt-1', 0, 150], ['served', 200, 200], ['relay', 400, 100],
  ])
})

test('a broken stream was relayed while its attempt ran', () => {
  expect(said({ latency_ms: 125, response_latency_ms: 123, upstream_latency_ms: 0, attempts: [attempt(1, 0, 124)] })).toEqual([['attempt-1', 0, 124], ['relay', 2, 123]])
})

test('the scale holds an attempt that outlived its request, and a clock that ran backwards', () => {
  const { total, bars } = waterfall(times({ latency_ms: 100, attempts: [attempt(1, -5, 300)] }))
  expect([total, bars[0]?.start]).toEqual([300, 0])
})

test('what took no time is seen, and nothing leaves the frame', () => {
  expect(placed({ key: 'auth', stage: 'auth', start: 0, length: 0 }, 1_000).width).toBeGreaterThan(0)
  const last = placed({ key: 'relay', stage: 'relay', start: 1_000, length: 0 }, 1_000)
  expect(last.left + last.width).toBeLessThanOrEqual(100)
  expect(placed({ key: 'x', stage: 'attempt', start: 250, length: 500 }, 1_000)).toEqual({ left: 25, width: 50 })
})
