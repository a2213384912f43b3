/** Histograms side by side as the cells of a heat map: only the ranges in which something lies. Pure. */
import type { Of } from '../../../api/client'

type Range = Pick<Of<'LatencyBucket'>, 'from_ms' | 'to_ms'>

export interface Heat {
  rows: Range[]
  cells: { column: number; row: number; count: number }[]
  most: number
}

export function heatOf(histograms: (Of<'LatencyBucket'>[] | undefined)[]): Heat {
  const ranges = histograms.find((one) => one !== undefined) ?? []
  const sums = ranges.map((_, at) => histograms.reduce((sum, one) => sum + (one?.[at]?.count ?? 0), 0))
  const first = sums.findIndex((sum) => sum > 0)
  if (first < 0) return { rows: [], cells: [], most: 0 }
  const last = sums.findLastIndex((sum) => sum > 0)
  const rows = ranges.slice(first, last + 1)
  const cells = histograms.flatMap((one, column) => rows.map((_, row) => ({ column, row, count: one?.[first + row]?.count ?? 0 })))
  return { rows, cells, most: Math.max(...cells.map(({ count }) => count)) }
}
