/** What is under the pointer, or nearest to it. Pure. */
import type { Span } from './figure'
import type { Piece } from './plan'

/** Of sorted moments the one that is nearest, by its place. */
export function nearest(moments: readonly number[], at: number): number | undefined {
  const after = firstAfter(moments, at)
  const [before, next] = [moments[after - 1], moments[after]]
  if (before === undefined) return next === undefined ? undefined : after
  return next !== undefined && next - at < at - before ? after : after - 1
}

/** Of steps that begin at sorted moments, and end at others, the one within, or the nearest where there is a hole. */
export function stepAt(moments: readonly number[], ends: readonly number[], at: number): number | undefined {
  const after = firstAfter(moments, at)
  const next = moments[after]
  if (after === 0) return next === undefined ? undefined : after
  const end = ends[after - 1] ?? at
  return next !== undefined && next - at < at - end ? after : after - 1
}

export function spanAt(spans: readonly Span[], at: number): number | undefined {
  const found = spans.findIndex(({ from, to }) => at >= from && at < to)
  return found < 0 ? undefined : found
}

/** The series whose piece of a bar is at a value, or the nearest one no further away than `near`. */
export function pieceAt(pieces: readonly (Piece | undefined)[], value: number, near: number): number | undefined {
  const away = pieces.map((piece) => (piece ? Math.max(piece.low - value, value - piece.high, 0) : Infinity))
  const least = Math.min(...away)
  return least <= near && Number.isFinite(least) ? away.indexOf(least) : undefined
}

function firstAfter(moments: readonly number[], at: number): number {
  let [low, high] = [0, moments.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((moments[middle] ?? Infinity) <= at) low = middle + 1
    else high = middle
  }
  return low
}
