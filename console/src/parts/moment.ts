/** A moment as a field of the browser has it, in local time, and as the API has it. Pure. */

/** `2027-01-15T09:00`: what a field of type `datetime-local` shows; empty for no moment. */
export function toField(moment: number | string | null | undefined): string {
  if (moment === null || moment === undefined || moment === '') return ''
  const at = new Date(moment)
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

/** What such a field says, for the API; `null` where it says nothing that can be read. */
export function ofField(text: string): string | null {
  const at = new Date(text)
  return text && !Number.isNaN(at.getTime()) ? at.toISOString() : null
}
