/**
 * The query of the page's address: plain words, the same names that the API takes, so that a list's address can be
 * read, shared, and asked with curl.
 */
export type Search = { [name: string]: string | undefined }

export function parseSearch(text: string): Search {
  return Object.fromEntries([...new URLSearchParams(text)].filter(([, value]) => value !== ''))
}

export function stringifySearch(search: Record<string, unknown>): string {
  const pairs = Object.entries(search).filter(([, value]) => value !== undefined && value !== null && value !== '')
  const text = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString()
  return text && `?${text}`
}

/** The names that say which time is looked at; they go along from page to page. */
export const WINDOW = ['time_range', 'start_time', 'end_time'] as const

export function windowOf(search: Search): Search {
  return pick(search, WINDOW)
}

export function pick(search: Search, names: readonly string[]): Search {
  return Object.fromEntries(Object.entries(search).filter(([name]) => names.includes(name)))
}
