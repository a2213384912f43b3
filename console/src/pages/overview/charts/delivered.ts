/** What providers delivered, step by step: attempts that they did not fail, in percent of all. Pure. */
import type { Of } from '../../../api/client'

export function deliveredOf(errors: Of<'ErrorPoint'>[], throughput: Of<'ThroughputPoint'>[]): [number, number | null][] {
  const attempts = new Map(throughput.map(({ start_time, attempts }) => [start_time, attempts]))
  return errors.map(({ start_time, upstream_429, upstream_529, upstream_other }) => {
    const all = attempts.get(start_time) ?? 0
    const failed = upstream_429 + upstream_529 + upstream_other
    return [Date.parse(start_time), all === 0 ? null : Math.max(0, (1 - failed / all) * 100)]
  })
}
