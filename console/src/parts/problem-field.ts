/** Which field of a form the API means, and what of a form was changed. Pure. */

/**
 * The path of the form's field that the API's `field` is about: `fallback_urls[1]` is `fallback_urls` where the list
 * is one field. In `shown`, `*` stands for an index. `undefined`: the form has none.
 */
export function fieldOf(field: string | undefined, shown: readonly string[]): string | undefined {
  if (!field) return undefined
  const parts = field.replaceAll(/\[(\d+)\]/g, '.$1').split('.')
  for (let length = parts.length; length > 0; length -= 1) {
    const path = parts.slice(0, length)
    const pattern = path.map((part) => (/^\d+$/.test(part) ? '*' : part)).join('.')
    if (shown.includes(pattern) || shown.includes(path.join('.'))) return path.join('.')
  }
  return undefined
}

/** What of `after` is not as in `before`: what a change has to say. */
export function changes<Body extends object>(before: Body, after: Body): Partial<Body> {
  const pairs = Object.entries(after) as [keyof Body, unknown][]
  return Object.fromEntries(pairs.filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name]))) as Partial<Body>
}

/** What a number's input holds, as the API takes it: nothing is `null`. */
export function numberOf(value: number | string | null | undefined): number | null {
  if (value === null || value === undefined || value === '') return null
  const number = Number(value)
  return Number.isFinite(number) ? number : null
}
