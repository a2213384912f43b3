/**
 * Which place of the page a row is drawn in. Pure. A place that a row has left is used for the next that comes: nothing
 * is made or thrown away while one scrolls, and nothing is moved. At rest places stand in the order of their rows, for
 * those who hear the page, or mark text in it.
 */
import type { Span } from './in-sight'

export interface Place {
  key: number
  /** Of the row. */
  index: number
}

/** The places keep their order while `isScrolling`. */
export function placesFor(before: readonly Place[], { from, to }: Span, isScrolling: boolean): Place[] {
  const isIn = ({ index }: Place) => index >= from && index < to
  const taken = new Set(before.filter(isIn).map(({ index }) => index))
  const coming: number[] = []
  for (let index = from; index < to; index += 1) if (!taken.has(index)) coming.push(index)
  let last = before.reduce((most, { key }) => Math.max(most, key), -1)
  const places = before.flatMap((place) => {
    if (isIn(place)) return [place]
    const index = coming.shift()
    return index === undefined ? [] : [{ key: place.key, index }]
  })
  for (const index of coming) places.push({ key: (last += 1), index })
  return isScrolling ? places : places.sort((one, other) => one.index - other.index)
}
