/** What the API tells of a window only as a whole, asked slot by slot; slots that are over are asked once. */
import { useQueries } from '@tanstack/react-query'
import { $api, type Of } from '../../../api/client'
import type { Every } from '../live'
import { iso, type Slot } from './slots'

const CLOSED_MS = 5 * 60_000

export const WHOSE = ['requests', 'recovered', 'attempts'] as const
export type Whose = (typeof WHOSE)[number]

export const METRICS = ['duration', 'time_to_first_token'] as const
export type Metric = (typeof METRICS)[number]

export interface Parts {
  /** One answer a slot; where there is none, nothing is drawn. */
  parts: (Of<'ErrorShare'>[] | undefined)[]
  /** The slots that could not be had: that there is no bar does not say that nothing failed. */
  failed: number[]
  retry: () => void
}

export function useParts(slots: Slot[], of: Whose, every: Every): Parts {
  return useQueries({
    queries: slots.map((slot) =>
      $api.queryOptions(
        'get',
        '/api/v1/admin/ops/dashboard/error-distribution',
        { params: { query: { start_time: iso(slot.from), end_time: iso(slot.to), of, by: 'cause' } } },
        slot.isOpen ? { refetchInterval: every } : { staleTime: CLOSED_MS },
      ),
    ),
    combine: (answers) => {
      const bad = answers.flatMap((answer, at) => (answer.isError && !answer.data ? [{ at, answer }] : []))
      return {
        parts: answers.map(({ data }) => data?.items),
        failed: bad.map(({ at }) => at),
        retry: () => bad.forEach(({ answer }) => void answer.refetch()),
      }
    },
  })
}

export function useHistograms(slots: Slot[], metric: Metric, every: Every): { buckets: (Of<'LatencyBucket'>[] | undefined)[]; isPending: boolean; error: unknown } {
  return useQueries({
    queries: slots.map((slot) =>
      $api.queryOptions(
        'get',
        '/api/v1/admin/ops/dashboard/latency-histogram',
        { params: { query: { start_time: iso(slot.from), end_time: iso(slot.to), metric } } },
        slot.isOpen ? { refetchInterval: every } : { staleTime: CLOSED_MS },
      ),
    ),
    combine: (answers) => ({
      buckets: answers.map(({ data }) => data?.buckets),
      isPending: answers.every(({ isPending }) => isPending),
      error: answers.find(({ data, error }) => error && !data)?.error,
    }),
  })
}
