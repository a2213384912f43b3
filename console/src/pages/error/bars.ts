/**
 * The times of one request as bars of one scale. Pure. What is on record are lengths, and of attempts also when they
 * began; where a length alone is known, the bar stands where the stage must have been.
 */
import type { Of } from '../../api/client'

type Attempt = Of<'UpstreamErrorEvent'>

/** What is known of a request's times, in milliseconds. */
export interface Times {
  created_at: string
  latency_ms: number
  auth_latency_ms?: number | null
  routing_latency_ms?: number | null
  upstream_latency_ms?: number | null
  response_latency_ms?: number | null
  queued?: { waited_ms: number } | null
  recovered: boolean
  attempts: Attempt[]
}

export type Stage = 'auth' | 'routing' | 'queue' | 'attempt' | 'served' | 'relay'

export interface Bar {
  key: string
  stage: Stage
  /** From the request's arrival. */
  start: number
  length: number
  attempt?: Attempt
}

export interface Waterfall {
  bars: Bar[]
  /** The length of the scale: the request, and whatever ended after it. */
  total: number
  /** Time of the request that lies in none of the bars: reading the body, pauses between attempts. */
  elsewhere: number
}

export function waterfall(times: Times): Waterfall {
  const arrived = Date.parse(times.created_at)
  const attempts = [...times.attempts].sort((a, b) => a.attempt - b.attempt).map((attempt): Bar => ({ key: `attempt-${attempt.attempt}`, stage: 'attempt', start: Math.max(0, attempt.at_unix_ms - arrived), length: attempt.duration_ms, attempt }))
  const bars = [...before(times, attempts[0]?.start), ...attempts, ...answer(times, attempts)]
  const total = Math.max(1, times.latency_ms, ...bars.map(({ start, length }) => start + length))
  return { bars, total, elsewhere: Math.max(0, times.latency_ms - covered(bars, times.latency_ms)) }
}

/** Auth, then choosing, then waiting for a slot. The first attempt ends them, whatever the clocks' rounding says. */
function before(times: Times, firstAttempt: number | undefined): Bar[] {
  const stages: [Stage, number | null | undefined][] = [
    ['auth', times.auth_latency_ms],
    ['routing', minus(times.routing_latency_ms, times.queued?.waited_ms)],
    ['queue', times.queued?.waited_ms],
  ]
  let at = 0
  return stages.flatMap(([stage, length]) => {
    if (length === null || length === undefined) return []
    const start = Math.min(at, firstAttempt ?? at)
    at = start + length
    return [{ key: stage, stage, start, length }]
  })
}

function minus(all: number | null | undefined, part = 0): number | null | undefined {
  return all === null || all === undefined ? all : Math.max(0, all - part)
}

/** What reached the client, from the end backwards: its relay, and the attempt that served, which is not among the failed. */
function answer(times: Times, failed: Bar[]): Bar[] {
  const relayed = times.response_latency_ms
  if (relayed === null || relayed === undefined) return []
  const head = Math.max(0, times.latency_ms - relayed)
  const relay: Bar = { key: 'relay', stage: 'relay', start: head, length: relayed }
  const waited = times.upstream_latency_ms
  if (!times.recovered || waited === null || waited === undefined) return [relay]
  const earliest = Math.max(0, ...failed.map(({ start, length }) => start + length))
  const start = Math.min(head, Math.max(earliest, head - waited))
  return [{ key: 'served', stage: 'served', start, length: head - start }, relay]
}

/** How much of the request lies in at least one bar. */
function covered(bars: Bar[], end: number): number {
  let until = 0
  let sum = 0
  for (const { start, length } of [...bars].sort((a, b) => a.start - b.start)) {
    const from = Math.max(start, until)
    const to = Math.min(start + length, end)
    if (to > from) {
      sum += to - from
      until = to
    }
  }
  return sum
}

/** Where a bar is on the scale, in percent; what took no time is seen, too. */
export function placed({ start, length }: Bar, total: number): { left: number; width: number } {
  const width = Math.min(100, Math.max(0.4, (length / total) * 100))
  return { left: Math.min((start / total) * 100, 100 - width), width }
}
