/** The settings as the API has them: each as it is without a choice, as it was chosen, and as it is in force. */
import { useQuery } from '@tanstack/react-query'
import { api } from '../../api/client'

export interface Choice<T> {
  default: T
  set: T | null
  in_force: T
}

export interface KeptDays {
  configured: number
  set: number | null
  in_force: number
}

/** A threshold, or that there is none. */
export type Bound = number | 'off'

export const IGNORES = ['count_tokens_errors', 'client_cancellations', 'invalid_api_keys'] as const
export const THRESHOLDS = ['sla_percent_min', 'ttft_p99_ms_max', 'request_error_rate_percent_max', 'upstream_error_rate_percent_max'] as const
export const KEPT = ['errors_days', 'requests_days', 'replay_days', 'issues_days', 'rollup_minutes_days', 'rollup_hours_days', 'rollup_days_days', 'audit_days', 'notifications_days', 'alert_events_days'] as const
export type IgnoreName = (typeof IGNORES)[number]
export type ThresholdName = (typeof THRESHOLDS)[number]
export type KeptName = (typeof KEPT)[number]

export interface Settings {
  version: number
  updated_at?: string | null
  updated_by?: string | null
  monitoring: { enabled: Choice<boolean>; since?: string | null }
  thresholds: Record<ThresholdName, Choice<Bound>>
  ignore: Record<IgnoreName, Choice<boolean>>
  retention: Record<KeptName, KeptDays>
}

/** What is absent stays; `null` takes a choice back. */
export interface Change {
  version: number
  monitoring?: { enabled?: boolean | null }
  thresholds?: Partial<Record<ThresholdName, Bound | null>>
  ignore?: Partial<Record<IgnoreName, boolean | null>>
  retention?: Partial<Record<KeptName, number | null>>
}

const PATH = '/api/v1/admin/ops/settings' as never

interface Untyped {
  GET: (path: never, init: { signal: AbortSignal }) => Promise<{ data?: unknown }>
  PATCH: (path: never, init: { body: Change }) => Promise<{ data?: unknown }>
}

// The description that types are made of may be older than the settings.
const untyped = api as unknown as Untyped

export function useSettings() {
  return useQuery({ queryKey: ['settings'], queryFn: async ({ signal }) => (await untyped.GET(PATH, { signal })).data as Settings })
}

export async function change(body: Change): Promise<Settings> {
  return (await untyped.PATCH(PATH, { body })).data as Settings
}
