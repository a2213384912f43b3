/** What the form of the settings holds, and what the API is sent of it. Pure. */
import { numberOf } from '../../parts/problem-field'
import { type Bound, type Change, IGNORES, type IgnoreName, KEPT, type KeptName, type Settings, type ThresholdName, THRESHOLDS } from './api'

type Num = number | string

/** `null`, or an empty number: nothing is chosen. */
export interface Values {
  enabled: boolean | null
  ignore: Record<IgnoreName, boolean | null>
  thresholds: Record<ThresholdName, { off: boolean; at: Num }>
  retention: Record<KeptName, Num>
}

const record = <Name extends string, T>(names: readonly Name[], of: (name: Name) => T) => Object.fromEntries(names.map((name) => [name, of(name)])) as Record<Name, T>

export function valuesOf(settings: Settings): Values {
  return {
    enabled: settings.monitoring.enabled.set ?? null,
    ignore: record(IGNORES, (name) => settings.ignore[name].set ?? null),
    thresholds: record(THRESHOLDS, (name) => {
      const { set } = settings.thresholds[name]
      return { off: set === 'off', at: typeof set === 'number' ? set : '' }
    }),
    retention: record(KEPT, (name) => settings.retention[name]?.set ?? ''),
  }
}

const bound = ({ off, at }: { off: boolean; at: Num }): Bound | null => (off ? 'off' : numberOf(at))

/** Only what was changed, held against the version that was read. */
export function changeOf(version: number, before: Values, after: Values): Change {
  const changed = <Name extends string, T>(names: readonly Name[], of: (values: Values, name: Name) => T) => Object.fromEntries(names.filter((name) => of(before, name) !== of(after, name)).map((name) => [name, of(after, name)])) as Partial<Record<Name, T>>
  const change: Change = { version }
  const ignore = changed(IGNORES, (values, name) => values.ignore[name])
  const thresholds = changed(THRESHOLDS, (values, name) => bound(values.thresholds[name]))
  const retention = changed(KEPT, (values, name) => numberOf(values.retention[name]))
  if (before.enabled !== after.enabled) change.monitoring = { enabled: after.enabled }
  if (Object.keys(ignore).length > 0) change.ignore = ignore
  if (Object.keys(thresholds).length > 0) change.thresholds = thresholds
  if (Object.keys(retention).length > 0) change.retention = retention
  return change
}

/** What would be kept for less long than now: it goes, and does not come back. */
export function shortened(settings: Settings, { retention }: Change): { name: KeptName; from: number; to: number }[] {
  return KEPT.flatMap((name) => {
    const asked = retention?.[name]
    if (asked === undefined) return []
    const kept = settings.retention[name]
    const to = asked ?? kept.configured
    return to < kept.in_force ? [{ name, from: kept.in_force, to }] : []
  })
}
