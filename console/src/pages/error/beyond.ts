/** The failures before and after one in a list: what to ask for, and which of the rows it is. Pure. */
import { LIST_NAMES } from '../../parts/filters/table'
import { pick, type Search } from '../../app/search'

interface Place {
  id: number
  created_at: string
}

const MONTH_MS = 30 * 24 * 3_600_000
/** Several may have come in the same millisecond. */
const ENOUGH = '20'

const iso = (moment: number) => new Date(moment).toISOString()

/** Two pages, away from this one: in the filters that the address carries, and within its window where it names moments. */
export function asked(of: Place, search: Search): { older: Search; newer: Search } {
  const at = Date.parse(of.created_at)
  const { sort: _, ...filters } = pick(search, LIST_NAMES)
  const begins = search.start_time ? Math.max(Date.parse(search.start_time), at - MONTH_MS + 1) : at - MONTH_MS + 1
  const ends = search.end_time ? Math.min(Date.parse(search.end_time), at + MONTH_MS) : at + MONTH_MS
  return {
    older: { ...filters, start_time: iso(Math.min(begins, at)), end_time: iso(at + 1), sort: '-created_at', page_size: ENOUGH },
    newer: { ...filters, start_time: iso(at), end_time: iso(Math.max(ends, at + 1)), sort: 'created_at', page_size: ENOUGH },
  }
}

/** The first row of a page that lies beyond this one, in the list's order: by time, then by id. */
export function beyond<R extends Place>(of: Place, rows: readonly R[], way: 'older' | 'newer'): R | undefined {
  const sign = way === 'older' ? -1 : 1
  return rows.find((row) => sign * (Date.parse(row.created_at) - Date.parse(of.created_at) || row.id - of.id) > 0)
}
