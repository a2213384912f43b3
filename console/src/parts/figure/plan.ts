/** A timeline as what is drawn: all series over the same moments, bars on each other, a scale per side. Pure. */
import type { Series, Timeline } from './figure'
import { type Scale, scaleOf } from './scale'

/** A piece of a bar, from the top of what is below it to its own. */
export interface Piece {
  low: number
  high: number
}

export interface Plan {
  /** Every moment that any series has, in order. */
  moments: number[]
  /** Where the step of each ends: a window cuts its first and its last short. */
  ends: number[]
  /** Per series and moment; `undefined` where the series has no such moment, `null` where there was nothing to count. */
  values: (number | null | undefined)[][]
  /** Per series and moment; of bars alone. */
  pieces: (Piece | undefined)[][]
}

export function planOf({ series, stepMs, to }: Pick<Timeline, 'series' | 'stepMs' | 'to'>): Plan {
  const moments = [...new Set(series.flatMap(({ points }) => points.map(([at]) => at)))].sort((a, b) => a - b)
  const values = series.map(({ points }) => {
    const known = new Map(points)
    return moments.map((at) => known.get(at))
  })
  const ends = moments.map((at, of) => Math.min(moments[of + 1] ?? to, at + stepMs, to))
  return { moments, ends, values, pieces: stacked(series, values, moments.length) }
}

function stacked(series: readonly Series[], values: Plan['values'], length: number): Plan['pieces'] {
  const tops = new Array<number>(length).fill(0)
  return series.map(({ kind }, of) => {
    if (kind !== 'bar') return []
    return Array.from({ length }, (_, at) => {
      const value = values[of]?.[at]
      if (!value) return undefined
      const low = tops[at] ?? 0
      tops[at] = low + value
      return { low, high: low + value }
    })
  })
}

/** The scale of one side: of all bars as high as they are stacked, and of all lines. */
export function scaleFor({ series, left, right, marks, spells }: Timeline, { values, pieces }: Plan, isRight: boolean, most?: number): Scale {
  const all = series.flatMap((one, of) => {
    if ((one.isRight ?? false) !== isRight) return []
    return one.kind === 'bar' ? (pieces[of] ?? []).flatMap((piece) => (piece ? [piece.high] : [])) : (values[of] ?? []).filter((value) => typeof value === 'number')
  })
  const others = isRight ? [] : [...(marks ?? []), ...(spells && spells.spans.length > 0 ? [spells] : [])].map(({ value }) => value)
  return scaleOf([...all, ...others], isRight ? right : left, most)
}

/** Where a value has no neighbour, so that no line is seen of it. */
export function lone(values: readonly (number | null | undefined)[], isBridged = false): number[] {
  const there = values.flatMap((value, at) => (typeof value === 'number' ? [at] : []))
  if (isBridged) return there.length === 1 ? there : []
  const isGap = (from: number, to: number) => values.slice(from + 1, to).some((value) => value === null)
  return there.filter((at, of) => {
    const [before, after] = [there[of - 1], there[of + 1]]
    return (before === undefined || isGap(before, at)) && (after === undefined || isGap(at, after))
  })
}
