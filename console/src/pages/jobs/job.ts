/** How a job is doing. Pure. */
import type { Of } from '../../api/client'

type Job = Of<'Job'>

export type JobState = 'never' | 'running' | 'silent' | 'ok' | 'failed' | 'off'

/** A job that began and did not end runs, as long as its heart beats within its lease. */
export function jobState(job: Job, now: number): JobState {
  if (!job.started_at) return 'never'
  const runs = !job.finished_at || Date.parse(job.started_at) > Date.parse(job.finished_at)
  if (runs) return job.lease_until && Date.parse(job.lease_until) < now ? 'silent' : 'running'
  const outcome: string | null | undefined = job.outcome
  return outcome === 'failed' || outcome === 'off' ? outcome : 'ok'
}

/** How long its last run took. */
export function took({ started_at, finished_at }: Job): number | undefined {
  if (!started_at || !finished_at) return undefined
  const ms = Date.parse(finished_at) - Date.parse(started_at)
  return ms >= 0 ? ms : undefined
}
