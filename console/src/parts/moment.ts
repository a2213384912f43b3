/** Moments as an input of the browser holds them, in its own zone, and as the API does. Pure. */

/** `2026-01-02T03:04:05`, as `datetime-local` takes it; empty where there is none. */
export function localInput(at: number | string | null | undefined): string {
  if (at === null || at === undefined || at === '') return ''
  const moment = new Date(at)
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}

/** RFC 3339 in UTC; `null` where there is none, or none that can be read. */
export function isoOf(input: string): string | null {
  const moment = new Date(input)
  return input && !Number.isNaN(moment.getTime()) ? moment.toISOString() : null
}
