/** The past of a metric, drawn beside a rule's preview: sums over the rule's window, from the steps of the dashboards. Pure. */
import type { Of } from '../../api/client'
import type { Metric } from './kinds'

/** A step's share of the value: what is summed, and of what it is a share. */
type Part = readonly [part: number, of?: number]

interface Step {
  at: number
  errors: Of<'ErrorPoint'>
  throughput: Of<'ThroughputPoint'>
}

/** What can be made of the dashboards' points; quantiles cannot be summed. */
const PARTS: Partial<Record<Metric, (step: Step) => Part>> = {
  requests: ({ errors }) => [errors.requests],
  failures: ({ errors }) => [errors.failures],
  error_rate: ({ errors: { sla } }) => [sla.of - sla.part, sla.of],
  sla: ({ errors: { sla } }) => [sla.part, sla.of],
  recovered: ({ errors }) => [errors.recovered],
  upstream_error_rate: ({ errors, throughput }) => [errors.upstream_other, throughput.attempts],
  rate_limited: ({ errors }) => [errors.upstream_429],
  overloaded: ({ errors }) => [errors.upstream_529],
  tokens: ({ throughput }) => [throughput.input_tokens + throughput.output_tokens],
  cost_usd: ({ throughput }) => [throughput.cost_usd],
}

/** Whether its past can be drawn. */
export function isDrawn(metric: Metric): boolean {
  return metric in PARTS
}

/** Two trends of the same steps, joined. */
export function joined(errors: readonly Of<'ErrorPoint'>[], throughput: readonly Of<'ThroughputPoint'>[]): Step[] {
  const byStart = new Map(throughput.map((point) => [point.start_time, point]))
  return errors.flatMap((point) => {
    const other = byStart.get(point.start_time)
    return other ? [{ at: Date.parse(point.start_time), errors: point, throughput: other }] : []
  })
}

/** One value at each step's end, over the window that ends there; `null` where there is nothing to make one of. */
export function line(metric: Metric, steps: readonly Step[], stepMs: number, windowMs: number): [number, number | null][] {
  const part = PARTS[metric]
  if (!part) return []
  const width = Math.max(1, Math.round(windowMs / stepMs))
  return steps.map(({ at }, index) => {
    const parts = steps.slice(Math.max(0, index - width + 1), index + 1).map(part)
    const sum = parts.reduce((all, [value]) => all + value, 0)
    if (parts.every(([, of]) => of === undefined)) return [at + stepMs, sum * (windowMs / (width * stepMs))]
    const of = parts.reduce((all, [, one = 0]) => all + one, 0)
    return [at + stepMs, of === 0 ? null : (sum / of) * 100]
  })
}
