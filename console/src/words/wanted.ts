/** The first of some languages, as browsers name them, that is known; else the first that is. Runs also by itself, before all else: it needs nothing. */
export function wantedOf<Known extends string>(tags: readonly (string | null)[], known: readonly [Known, ...Known[]]): Known {
  const found = tags.map((tag) => known.find((one) => one === tag?.split('-')[0])).find((one) => one !== undefined)
  return found ?? known[0]
}
