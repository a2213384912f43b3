/**
 * Which place of the page a row is drawn in. Pure. A place that a row has left is used for the next that comes: nothing
 * is made or thrown away while one scrolls, and nothing is moved. At rest places stand in the order of their rows, for
 * those who hear the page, or mark text in it.
 */
export interface Place {
  key: number
  /** Of the row. */
  index: number
}

/** `indexes` are the rows in sight, in order; the places keep their order while `isScrolling`. */
export function placesFor(before: readonly Place[], indexes: readonly number[], isScrolling: boolean): Place[] {
  const coming = new Set(indexes)
  for (const { index } of before) coming.delete(index)
  const left = new Set(indexes)
  const next = coming.values()
  const places = before.flatMap((place) => {
    if (left.has(place.index)) return [place]
    const { value, done } = next.next()
    return done ? [] : [{ key: place.key, index: value }]
  })
  let key = before.reduce((most, place) => Math.max(most, place.key), -1)
  for (const index of next) places.push({ key: (key += 1), index })
  return isScrolling ? places : places.sort((one, other) => one.index - other.index)
}
