/** Lists of the API that have numbered pages and no cursor, as pages that go on. */
import type { Search } from '../app/search'

interface Numbered<Row> {
  items: Row[]
  page: number
  page_size: number
  total: number
  total_is_estimate?: boolean
  next_cursor?: string | null
}

/** The query with the number of the page that the cursor of `numbered` names. */
export function atPage({ cursor, ...query }: Search): Search {
  return cursor ? { ...query, page: cursor } : query
}

/** A page as `usePages` takes it: what follows is the cursor, and where there is none the next number. */
export function numbered<Row>(list: Numbered<Row> | undefined) {
  const { items, page, page_size, total, total_is_estimate, next_cursor } = list ?? { items: [], page: 1, page_size: 1, total: 0 }
  const next = page * page_size < total ? String(page + 1) : undefined
  return { rows: items, next: next_cursor ?? next, total, isEstimate: total_is_estimate }
}
