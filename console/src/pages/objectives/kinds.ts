/** Objectives, as they are written and as the form has them. Pure. */
import type { Of } from '../../api/client'

export type Body = Of<'ObjectiveBody'>
export type Objective = Body & { id: number; updated_at: string; updated_by?: string | null }
export type Side = NonNullable<Body['side']>
export type Goal = NonNullable<Body['goal']>

export interface Values {
  name: string
  goal: Goal
  side: Side
  target_percent: number | ''
  window_days: number | ''
  within_ms: number | ''
  platform: Of<'Platform'> | null
  group_id: string | null
  model: string
}

export const FIELDS = ['name', 'goal', 'side', 'target_percent', 'window_days', 'within_ms', 'platform', 'group_id', 'model'] as const

export function valuesOf(objective: Body | undefined): Values {
  return {
    name: objective?.name ?? '',
    goal: objective?.goal ?? 'availability',
    side: objective?.side ?? 'client',
    target_percent: objective?.target_percent ?? 99.5,
    window_days: objective?.window_days ?? 30,
    within_ms: objective?.within_ms ?? '',
    platform: objective?.platform ?? null,
    group_id: objective?.group_id ? String(objective.group_id) : null,
    model: objective?.model ?? '',
  }
}

/** A bound is sent with goals that are times alone. */
export function bodyOf(values: Values): Body {
  const isTime = values.goal !== 'availability'
  return {
    ...values,
    target_percent: Number(values.target_percent),
    window_days: Number(values.window_days),
    within_ms: isTime && values.within_ms !== '' ? values.within_ms : null,
    group_id: values.group_id ? Number(values.group_id) : null,
    model: values.model.trim() || null,
  }
}
