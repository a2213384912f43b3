/** Tells a field's own words, which come back from the address a moment later, from those of others. Pure. */

export interface Said {
  /** What the address says. */
  value: string
  /** What was said and has not come back yet, oldest first. */
  waits: readonly string[]
}

/** Says something; the same again is nothing new. */
export function said(so: Said, text: string): Said {
  return text === (so.waits.at(-1) ?? so.value) ? so : { ...so, waits: [...so.waits, text] }
}

/** The address says something. What was said before it is past, whether or not it was ever seen there. */
export function heard(so: Said, value: string): { isEcho: boolean; next: Said } {
  if (value === so.value) return { isEcho: true, next: so }
  const at = so.waits.indexOf(value)
  return { isEcho: at >= 0, next: { value, waits: at >= 0 ? so.waits.slice(at + 1) : [] } }
}
