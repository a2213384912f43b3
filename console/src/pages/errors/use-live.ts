/** Failures as they are written. Promises: one connection while it is on; after a break it goes on where it was. */
import { useEffect, useRef, useState } from 'react'
import { address, type Of } from '../../api/client'
import type { Search } from '../../app/search'
import { doubtSession } from '../../app/session'
import type { Row } from './ask'
import { came, emptyTail, MOST, missed, paused, resumed, type Tail } from './tail'

/** `open`: it listens. `broken`: it tries again by itself. */
export type Line = 'off' | 'opening' | 'open' | 'broken'

/** Rows are shown together, not one by one. */
const GATHER_MS = 250
/** How long a refusal is left alone: too many may be listening. */
const AGAIN_MS = 10_000

/** `after`: the newest row that is known already; without one it begins with what is written from now on. */
export function useLive(on: boolean, filters: Search, after: number | undefined) {
  const [tail, setTail] = useState<Tail<Row>>(emptyTail)
  const [line, setLine] = useState<Line>('off')
  const begins = useRef(after)
  begins.current = after
  const asked = JSON.stringify(filters)

  useEffect(() => {
    if (!on) return
    setTail(emptyTail())
    setLine('opening')
    const gathered = gather((rows) => setTail((tail) => came(tail, rows)))
    const end = listen(JSON.parse(asked) as Search, begins.current, {
      onRow: gathered.add,
      onMissed: ({ count, count_is_estimate }) => setTail((tail) => missed(tail, count, count_is_estimate)),
      onLine: setLine,
    })
    return () => {
      end()
      gathered.end()
      setLine('off')
      setTail(emptyTail())
    }
  }, [on, asked])

  return { tail, line, pause: () => setTail(paused), resume: () => setTail(resumed) }
}

/** Gives away what was added, a few times a second. */
function gather(give: (rows: Row[]) => void) {
  let rows: Row[] = []
  const timer = setInterval(() => {
    if (rows.length === 0) return
    give(rows)
    rows = []
  }, GATHER_MS)
  return {
    add(row: Row) {
      rows.push(row)
      // A page in the background is seldom given a turn.
      if (rows.length >= MOST) {
        give(rows)
        rows = []
      }
    },
    end: () => clearInterval(timer),
  }
}

interface Told {
  onRow: (row: Row) => void
  onMissed: (missed: Of<'MissedErrors'>) => void
  onLine: (line: Line) => void
}

/** The browser comes back by itself with the last id it was given; after a refusal it does not, and so this does. */
function listen(filters: Search, after: number | undefined, { onRow, onMissed, onLine }: Told): () => void {
  let last = after === undefined ? undefined : String(after)
  let source: EventSource
  let timer: ReturnType<typeof setTimeout> | undefined
  const note = (event: MessageEvent<string>) => {
    if (event.lastEventId) last = event.lastEventId
  }
  const begin = () => {
    source = new EventSource(address('ops/stream', { ...filters, after_id: last }))
    source.addEventListener('open', () => onLine('open'))
    source.addEventListener('hello', note)
    source.addEventListener('missed', (event: MessageEvent<string>) => {
      note(event)
      onMissed(JSON.parse(event.data) as Of<'MissedErrors'>)
    })
    // A failed request and a broken connection have the same name; only the first is a message.
    source.addEventListener('error', (event: Event) => {
      if (event instanceof MessageEvent) {
        note(event as MessageEvent<string>)
        onRow(JSON.parse(event.data as string) as Row)
        return
      }
      onLine('broken')
      if (source.readyState !== EventSource.CLOSED) return
      // Why, a stream does not say; that there is no session any more is to be found out.
      doubtSession()
      timer = setTimeout(begin, AGAIN_MS)
    })
  }
  begin()
  return () => {
    clearTimeout(timer)
    source.close()
  }
}
