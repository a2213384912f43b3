/**
 * Whether what is shown is as the gateway has it now. Pure, but for what listens. Promises: what never had an answer
 * is not looked at here, for it says so in its own place.
 */
import { notifyManager, type Query } from '@tanstack/react-query'
import { useSyncExternalStore } from 'react'
import { Problem } from './problem'
import { queries } from './queries'

/** `silent`: no answer comes. `stale`: answers come, but not to everything that was asked again. */
export type Pulse = { is: 'well' } | { is: 'silent'; since: number } | { is: 'stale'; since: number; detail: string }

/** As much of a query as counts. */
export interface Beat {
  /** Somebody looks at it. */
  isSeen: boolean
  /** When it was answered last; 0: never. */
  answeredAt: number
  hasData: boolean
  /** What went wrong since. */
  trouble: unknown
  troubleAt: number
}

const WELL: Pulse = { is: 'well' }

/** Nobody answered, or somebody in between who has no gateway behind. */
export function isSilence(trouble: unknown): boolean {
  return trouble instanceof Problem && (trouble.code === 'unreachable' || (trouble.code === 'unreadable' && [502, 503, 504].includes(trouble.status)))
}

export function pulseOf(beats: Beat[]): Pulse {
  const troubled = beats.filter(({ isSeen, trouble }) => isSeen && trouble)
  const heardAt = Math.max(0, ...beats.map(({ answeredAt }) => answeredAt), ...beats.map(({ trouble, troubleAt }) => (trouble && !isSilence(trouble) ? troubleAt : 0)))
  if (troubled.some(({ trouble, troubleAt }) => isSilence(trouble) && troubleAt > heardAt)) return { is: 'silent', since: heardAt }
  const stale = troubled.filter(({ hasData }) => hasData).sort((one, other) => one.answeredAt - other.answeredAt)[0]
  return stale ? { is: 'stale', since: stale.answeredAt, detail: stale.trouble instanceof Error ? stale.trouble.message : '' } : WELL
}

function beatOf(query: Query): Beat {
  const { data, dataUpdatedAt, error, errorUpdatedAt, status, fetchMeta } = query.state
  // That a list does not go on stands at its foot.
  const isFailed = status === 'error' && !fetchMeta?.fetchMore
  return { isSeen: query.isActive(), answeredAt: dataUpdatedAt, hasData: data !== undefined, trouble: isFailed ? error : null, troubleAt: errorUpdatedAt }
}

let now: Pulse = WELL

/** The same object while nothing changes. */
function look(): Pulse {
  const next = pulseOf(queries.getQueryCache().getAll().map(beatOf))
  if (JSON.stringify(next) !== JSON.stringify(now)) now = next
  return now
}

const subscribe = (told: () => void) => queries.getQueryCache().subscribe(notifyManager.batchCalls(told))

/** Asks again for what failed and is looked at. */
export function askAgain(): void {
  void queries.refetchQueries({ type: 'active', predicate: ({ state }) => state.status === 'error' })
}

export function usePulse(): Pulse {
  return useSyncExternalStore(subscribe, look)
}
