/** The settings as the API has them: each as it is without a choice, as it was chosen, and as it is in force. */
import { useQuery } from '@tanstack/react-query'
import { api, type Of } from '../../api/client'
import { Problem } from '../../api/problem'

export interface Choice<T> {
  default: T
  set?: T | null
  in_force: T
}

export interface KeptDays {
  configured: number
  set?: number | null
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

export type Settings = Of<'Settings'>

/** What is absent stays; `null` takes a choice back. */
export type Change = Of<'SettingsChange'>

export function useSettings() {
  return useQuery({ queryKey: ['settings'], queryFn: async ({ signal }) => answered((await api.GET('/api/v1/admin/ops/settings', { signal })).data) })
}

export async function change(body: Change): Promise<Settings> {
  return answered((await api.PATCH('/api/v1/admin/ops/settings', { body })).data)
}

/** Whatever is no success is thrown before; a success has a body. */
function answered(data: Settings | undefined): Settings {
  if (!data) throw new Problem(200, 'unreadable', '')
  return data
}
