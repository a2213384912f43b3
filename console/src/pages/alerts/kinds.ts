/** What is known of rules, events and silences here: their types, and a table of what can be looked at. Pure. */
import type { Of } from '../../api/client'
import { numberFormat } from '../../parts/format'
import { count, duration, percent, usd } from '../../parts/number'

/** What every thing that somebody wrote has. */
interface Stamp {
  id: number
  created_at: string
  updated_at: string
  updated_by?: string | null
}

export type Body = Of<'AlertRuleBody'>
export type Rule = Required<Body> & Stamp
export type Event = Of<'AlertEvent'>
export type Silence = Of<'SilenceBody'> & Stamp
export type Metric = Body['metric']
export type Unit = Of<'Evidence'>['unit']
export type FilterName = keyof Of<'Filter'>

const WINDOW = ['platform', 'group_id', 'account_id', 'api_key_id', 'model'] as const
const POOL = ['platform', 'group_id', 'account_id'] as const
const ISSUE = ['platform'] as const
const OBJECTIVE = ['objective_id'] as const
const NOTHING = [] as const

interface Known {
  unit: Unit
  /** What a rule of it can be kept to. */
  filters: readonly FilterName[]
  isShare?: boolean
}

/** Every metric, as docs/ALERTS.md has it. */
export const METRICS: Record<Metric, Known> = {
  error_rate: { unit: 'percent', filters: WINDOW, isShare: true },
  sla: { unit: 'percent', filters: WINDOW, isShare: true },
  upstream_error_rate: { unit: 'percent', filters: WINDOW, isShare: true },
  requests: { unit: 'count', filters: WINDOW },
  failures: { unit: 'count', filters: WINDOW },
  recovered: { unit: 'count', filters: WINDOW },
  rate_limited: { unit: 'count', filters: WINDOW },
  overloaded: { unit: 'count', filters: WINDOW },
  latency_p50: { unit: 'ms', filters: WINDOW, isShare: true },
  latency_p95: { unit: 'ms', filters: WINDOW, isShare: true },
  latency_p99: { unit: 'ms', filters: WINDOW, isShare: true },
  ttft_p50: { unit: 'ms', filters: WINDOW, isShare: true },
  ttft_p95: { unit: 'ms', filters: WINDOW, isShare: true },
  ttft_p99: { unit: 'ms', filters: WINDOW, isShare: true },
  tokens: { unit: 'count', filters: WINDOW },
  cost_usd: { unit: 'usd', filters: WINDOW },
  accounts_available: { unit: 'count', filters: POOL },
  account_down: { unit: 'count', filters: POOL },
  new_issue: { unit: 'count', filters: ISSUE },
  regressed_issue: { unit: 'count', filters: ISSUE },
  escalating_issue: { unit: 'count', filters: ISSUE },
  budget_burn: { unit: 'factor', filters: OBJECTIVE, isShare: true },
  budget_left: { unit: 'percent', filters: OBJECTIVE, isShare: true },
  records_lost: { unit: 'count', filters: NOTHING },
}

/** Whether minutes of the past are kept of it, so that a rule can be tried. */
export function hasHistory(metric: Metric): boolean {
  return METRICS[metric].filters === WINDOW
}

const SAID: Record<Unit, (value: number, language: string) => string> = {
  count,
  percent,
  ms: duration,
  usd,
  factor: (value, language) => `${numberFormat(language, { maximumFractionDigits: 2 }).format(value)} ×`,
}

/** A value with its unit. */
export function valued(value: number | null | undefined, unit: Unit, language: string): string {
  return value === null || value === undefined ? '–' : SAID[unit](value, language)
}

/** Where what an event is about can be looked at: its subject is a key such as `account:3`, `issue:…`, `objective:2`. */
export function placeOf(subject: string): { kind: 'account' | 'issue' | 'objective'; id: string } | undefined {
  const [kind, ...rest] = subject.split(':')
  const id = rest.join(':')
  return id && (kind === 'account' || kind === 'issue' || kind === 'objective') ? { kind, id } : undefined
}
