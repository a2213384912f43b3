/** Takes rows out of a list for a file. Pure but for what `ask` does. */
import type { Search } from '../../app/search'

/** Rows of one file at most. */
export const MOST_ROWS = 10_000
const PAGE = '500'

interface Page<R> {
  rows: R[]
  next?: string | null
}

/** Page after page by cursor; `isWhole`: the list ended before the bound did. */
export async function collect<R>(query: Search, ask: (query: Search) => Promise<Page<R>>, onProgress: (rows: number) => void, most = MOST_ROWS): Promise<{ rows: R[]; isWhole: boolean }> {
  const rows: R[] = []
  let cursor: string | undefined
  do {
    const page = await ask({ ...query, page_size: PAGE, ...(cursor ? { cursor } : {}) })
    rows.push(...page.rows)
    cursor = page.next ?? undefined
    onProgress(Math.min(rows.length, most))
  } while (cursor && rows.length < most)
  return { rows: rows.slice(0, most), isWhole: !cursor && rows.length <= most }
}

/** RFC 4180, with a line of names first. */
export function csv(rows: readonly object[], names: readonly string[]): string {
  const lines = rows.map((row) => names.map((name) => cell((row as Record<string, unknown>)[name])).join(','))
  return [names.join(','), ...lines, ''].join('\r\n')
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  // A provider's text must not become a formula in whatever opens the file.
  const inert = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert
}
