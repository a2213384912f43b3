/** A rule as the form has it, and as the API takes it. Pure. */
import { type Body, type FilterName, METRICS } from './kinds'

/** Ids are text in a field of choice; a number may be empty. */
export interface Values {
  name: string
  enabled: boolean
  metric: Body['metric']
  operator: Body['operator']
  threshold: number | ''
  window_minutes: number | ''
  sustained_minutes: number | ''
  cooldown_minutes: number | ''
  min_requests: number | ''
  missing: NonNullable<Body['missing']>
  severity: Body['severity']
  filter: Record<FilterName, string | null>
  channels: string[]
  note: string
}

export const FIELDS = [
  'name', 'enabled', 'metric', 'operator', 'threshold', 'window_minutes', 'sustained_minutes', 'cooldown_minutes', 'min_requests',
  'missing', 'severity', 'filter.platform', 'filter.group_id', 'filter.account_id', 'filter.api_key_id', 'filter.model', 'filter.objective_id', 'channels', 'note',
] as const

const NOTHING: Values['filter'] = { platform: null, group_id: null, account_id: null, api_key_id: null, model: null, objective_id: null }

/** What the form begins with. */
export function valuesOf(rule: Body | undefined): Values {
  const given = Object.entries(rule?.filter ?? {}).flatMap(([name, value]) => (value === null || value === undefined ? [] : [[name, String(value)]]))
  return {
    name: rule?.name ?? '',
    enabled: rule?.enabled ?? true,
    metric: rule?.metric ?? 'error_rate',
    operator: rule?.operator ?? '>=',
    threshold: rule?.threshold ?? 5,
    window_minutes: rule?.window_minutes ?? 5,
    sustained_minutes: rule?.sustained_minutes ?? 0,
    cooldown_minutes: rule?.cooldown_minutes ?? 10,
    min_requests: rule?.min_requests ?? 0,
    missing: rule?.missing ?? 'keep',
    severity: rule?.severity ?? 'P2',
    filter: { ...NOTHING, ...Object.fromEntries(given) },
    channels: rule?.channels?.map(String) ?? [],
    note: rule?.note ?? '',
  }
}

/** What the API takes. Of the filter only what says something about the metric is sent. */
export function bodyOfValues(values: Values): Body {
  const fits = METRICS[values.metric].filters
  const filter = Object.fromEntries(fits.filter((name) => values.filter[name]).map((name) => [name, name.endsWith('_id') ? Number(values.filter[name]) : values.filter[name]]))
  return {
    ...values,
    threshold: Number(values.threshold),
    window_minutes: Number(values.window_minutes),
    sustained_minutes: Number(values.sustained_minutes),
    cooldown_minutes: Number(values.cooldown_minutes),
    min_requests: Number(values.min_requests),
    filter: filter as Body['filter'],
    channels: values.channels.map(Number),
  }
}

/** A rule as it is there, without what the API adds to it. */
export function bodyOf(rule: Body): Body {
  return bodyOfValues(valuesOf(rule))
}
