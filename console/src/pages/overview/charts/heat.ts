/** Histograms side by side as the cells of a heat map: only the ranges in which something lies. Pure. */
import type { Of } from '../../../api/client'
import type { Span } from '../../../parts/figure/figure'

export type Latencies = Pick<Of<'LatencyTrend'>, 'ranges' | 'points'>

export interface Heat {
  rows: Latencies['ranges']
  cells: { column: number; row: number; count: number }[]
  most: number
}

export function heatOf({ ranges, points }: Latencies): Heat {
  const isUsed = ranges.map((_, at) => points.some(({ counts }) => (counts[at] ?? 0) > 0))
  const [first, last] = [isUsed.indexOf(true), isUsed.lastIndexOf(true)]
  if (first < 0) return { rows: [], cells: [], most: 0 }
  const rows = ranges.slice(first, last + 1)
  const cells = points.flatMap(({ counts }, column) => rows.map((_, row) => ({ column, row, count: counts[first + row] ?? 0 })))
  return { rows, cells, most: Math.max(...cells.map(({ count }) => count)) }
}

/** Each step up to the next one, and the last up to where the whole ends: a window cuts its first and its last short. */
export function columnsOf({ points, end_time }: Pick<Of<'LatencyTrend'>, 'points' | 'end_time'>): Span[] {
  return points.map(({ start_time }, at) => ({ from: Date.parse(start_time), to: Date.parse(points[at + 1]?.start_time ?? end_time) }))
}
