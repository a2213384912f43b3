/** Failures by cause: stacked over time, and of the whole time as rows of a table. Pure. */
import type { Of } from '../../../api/client'
import { HUES, SERIES } from '../../../app/theme'
import { pointsOf, type Series, spanOf, type Timeline } from '../../../parts/figure/figure'

export type Trend = Of<'ErrorDistributionTrend'>
type Counted = Pick<Trend, 'values' | 'points'>

/** As many causes have a colour of their own; the rest is one. */
const MOST = 7
const OTHERS = SERIES.indexOf(HUES.yellow)

/** One cause, or all those together that the answer does not name. */
export interface Row {
  cause?: Trend['values'][number]
  color: string
  count: number
  /** Of all, in percent. */
  share: number
}

/** The causes that have a colour, in an order that does not change with how many there are of each. */
export function named(values: Trend['values']): string[] {
  return values
    .slice(0, MOST)
    .map(({ value }) => value)
    .sort()
}

/** Every failure of the answer is in one of its bars: by name, or among the others. */
export function figureOf(trend: Trend, names: readonly string[], others: string): Timeline {
  const bars = (name: string, at: number, of: (point: Trend['points'][number]) => number): Series => ({ name, kind: 'bar', color: colour(at), points: pointsOf(trend.points, of) })
  const placeOf = (name: string) => trend.values.findIndex(({ value }) => value === name)
  const places = names.map(placeOf)
  const rest = ({ counts, others }: Trend['points'][number]) => others + sum(counts.filter((_, place) => !places.includes(place)))
  const hasOthers = trend.points.some((point) => rest(point) > 0)
  return {
    kind: 'timeline',
    ...spanOf(trend),
    stepMs: trend.step_ms,
    left: { isWhole: true },
    series: [...names.map((name, at) => bars(name, at, ({ counts }) => counts[places[at] ?? -1] ?? 0)), ...(hasOthers ? [bars(others, OTHERS, rest)] : [])],
  }
}

export function totalOf({ values, points }: Counted): number {
  return sum(values.map(({ count }) => count)) + unnamed(points)
}

/** Every failure of the answer is in one of them. */
export function rowsOf(trend: Counted, names: readonly string[]): Row[] {
  const total = totalOf(trend)
  const row = (count: number, at: number): Row => ({ color: colour(at), count, share: (count / total) * 100 })
  const causes = trend.values.map((cause) => ({ cause, ...row(cause.count, names.includes(cause.value) ? names.indexOf(cause.value) : OTHERS) }))
  const others = unnamed(trend.points)
  return others > 0 ? [...causes, row(others, OTHERS)] : causes
}

const unnamed = (points: Trend['points']) => sum(points.map(({ others }) => others))
const sum = (counts: number[]) => counts.reduce((all, count) => all + count, 0)
const colour = (at: number) => SERIES[at % SERIES.length] ?? HUES.grey
