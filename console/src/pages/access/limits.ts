/** Limits of users and keys, as a form holds them and as the API takes them. Pure. */
import type { Of } from '../../api/client'
import { numberOf } from '../../parts/problem-field'

export type Limits = Of<'Limits'>
export const WINDOWS = ['minute', 'day', 'month'] as const
export const UNITS = ['requests', 'tokens', 'usd'] as const
export type Unit = (typeof UNITS)[number]
export type Span = (typeof WINDOWS)[number]

export const LIMITS = ['concurrency', 'requests_per_minute', 'tokens_per_minute', 'requests_per_day', 'tokens_per_day', 'usd_per_day', 'requests_per_month', 'tokens_per_month', 'usd_per_month'] as const
export type LimitName = (typeof LIMITS)[number]
export type LimitValues = Record<LimitName, number | string>

/** The limit of a unit in a window; money has none in a minute. */
export function limitName(unit: Unit, window: Span): LimitName | undefined {
  return LIMITS.find((name) => name === `${unit}_per_${window}`)
}

export function limitValues(limits: Limits = {}): LimitValues {
  return Object.fromEntries(LIMITS.map((name) => [name, limits[name] ?? ''])) as LimitValues
}

export function limitsBody(values: LimitValues): Limits {
  return Object.fromEntries(LIMITS.map((name) => [name, numberOf(values[name])])) as Limits
}

export interface Nearest {
  unit: Unit
  window: Span
  used: number
  limit: number
}

/** Of several limits the one of which most is used. */
export function nearest(usage: Of<'UsageView'>, limits: Limits): Nearest | undefined {
  const all = WINDOWS.flatMap((window) =>
    UNITS.flatMap((unit) => {
      const name = limitName(unit, window)
      const limit = name && limits[name]
      return limit ? [{ unit, window, used: usage[window][unit], limit }] : []
    }),
  )
  return all.sort((a, b) => b.used / b.limit - a.used / a.limit)[0]
}
