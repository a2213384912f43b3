/** What a body is: JSON, a stream of events, or text; and where the gateway has put its marks. Pure. */

export interface StreamEvent {
  event?: string
  data: unknown
}

export type Parsed = { kind: 'json'; value: unknown } | { kind: 'events'; value: StreamEvent[] } | { kind: 'text' }

export function parse(text: string): Parsed {
  const value = json(text)
  if (value !== undefined && typeof value === 'object') return { kind: 'json', value }
  const events = eventsOf(text)
  return events.length > 0 ? { kind: 'events', value: events } : { kind: 'text' }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** Server-sent events, each with its data as JSON where it is JSON. */
function eventsOf(text: string): StreamEvent[] {
  if (!/^\s*(event|data|id|retry)?:/.test(text)) return []
  return text.split(/\r?\n\r?\n/).flatMap((block) => {
    const lines = block.split(/\r?\n/)
    const field = (name: string) => lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).replace(/^ /, ''))
    const data = field('data')
    if (data.length === 0) return []
    const event = field('event')[0]
    const whole = data.join('\n')
    return [{ ...(event ? { event } : {}), data: json(whole) ?? whole }]
  })
}

export interface Piece {
  text: string
  /** What the gateway put there: a secret was taken out, or something was left out for its size. */
  mark?: 'redacted' | 'leftOut'
}

const MARKS = /\[redacted:[a-z_]+\]|\[waybill(?:: [^\]]*)?\]/g

/** A text in pieces, so that what was taken out is seen as such. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = []
  let at = 0
  for (const { 0: mark, index } of text.matchAll(MARKS)) {
    if (index > at) found.push({ text: text.slice(at, index) })
    found.push({ text: mark, mark: mark.startsWith('[redacted') ? 'redacted' : 'leftOut' })
    at = index + mark.length
  }
  if (at < text.length) found.push({ text: text.slice(at) })
  return found
}

/** Headers as they are kept: one JSON object, in which a name that came twice has a list. */
export function headersOf(text: string): [name: string, value: string][] {
  const value = json(text)
  if (!value || typeof value !== 'object' || Array.isArray(value)) return []
  return Object.entries(value).flatMap(([name, one]) => (Array.isArray(one) ? one : [one]).map((each): [string, string] => [name, String(each)]))
}
