/**
 * What a live list holds: the newest rows, and those that wait while it is paused. Pure. Promises: never more than
 * `MOST` rows of either, and nothing is let go without saying so.
 */

/** Rows that are kept; an hour at fifty a second would be 180,000. */
export const MOST = 1_000

export interface Tail<R> {
  /** Newest first. */
  rows: R[]
  /** What came while it was paused, newest first. */
  waiting: R[]
  isPaused: boolean
  /** How many came while it was paused; not all of them may be kept. */
  cameMeanwhile: number
  /** How many there were that were not sent, for this reader was too slow. */
  missed: number
  /** There were at least so many. */
  missedIsEstimate: boolean
  /** Older ones were let go to make room. */
  isCut: boolean
}

export function emptyTail<R>(): Tail<R> {
  return { rows: [], waiting: [], isPaused: false, cameMeanwhile: 0, missed: 0, missedIsEstimate: false, isCut: false }
}

/** Rows came, oldest first, as they were written. */
export function came<R>(tail: Tail<R>, rows: readonly R[]): Tail<R> {
  if (rows.length === 0) return tail
  const newest = rows.slice(-MOST).reverse()
  const all = [...newest, ...(tail.isPaused ? tail.waiting : tail.rows)]
  const isCut = tail.isCut || all.length > MOST || rows.length > MOST
  const held = all.slice(0, MOST)
  return tail.isPaused ? { ...tail, waiting: held, cameMeanwhile: tail.cameMeanwhile + rows.length, isCut } : { ...tail, rows: held, isCut }
}

export function missed<R>(tail: Tail<R>, count: number, isEstimate: boolean): Tail<R> {
  return { ...tail, missed: tail.missed + count, missedIsEstimate: tail.missedIsEstimate || isEstimate }
}

export function paused<R>(tail: Tail<R>): Tail<R> {
  return { ...tail, isPaused: true }
}

/** What waited comes on top. */
export function resumed<R>(tail: Tail<R>): Tail<R> {
  const all = [...tail.waiting, ...tail.rows]
  return { ...tail, rows: all.slice(0, MOST), waiting: [], isPaused: false, cameMeanwhile: 0, isCut: tail.isCut || all.length > MOST }
}

/** The live rows above those that were read; of those, none twice, and none at all where rows between were let go. */
export function above<R extends { id: number }>(tail: Tail<R>, read: R[]): R[] {
  if (tail.isCut || tail.rows.length === 0) return tail.rows.length === 0 ? read : tail.rows
  const live = new Set(tail.rows.map(({ id }) => id))
  return [...tail.rows, ...read.filter(({ id }) => !live.has(id))]
}
