/** Colours between colours. Pure. */

type Parts = readonly [number, number, number]

/** From the first of some colours at nothing to the last at one, evenly between. */
export function shades(colors: readonly string[]): (share: number) => string {
  const known = colors.map(parts)
  return (share) => {
    const place = Math.min(1, Math.max(0, share)) * (known.length - 1)
    const below = Math.min(Math.floor(place), known.length - 2)
    const [from, to] = [known[below] ?? [0, 0, 0], known[below + 1] ?? [0, 0, 0]]
    const mixed = [0, 1, 2].map((of) => Math.round((from[of] ?? 0) + ((to[of] ?? 0) - (from[of] ?? 0)) * (place - below)))
    return `rgb(${mixed.join(', ')})`
  }
}

/** Of `#rrggbb`. */
function parts(color: string): Parts {
  const at = (from: number) => Number.parseInt(color.slice(from, from + 2), 16)
  return [at(1), at(3), at(5)]
}
