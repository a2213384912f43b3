/** Views that somebody gave a name, kept in this browser: the filters, the order and the time of a list. */
import type { Search } from '../../app/search'

export interface Saved {
  name: string
  search: Search
}

/** Reads what was kept; what cannot be read is as if it were not there. */
export function read(text: string | null): Saved[] {
  try {
    const found: unknown = JSON.parse(text ?? '[]')
    return Array.isArray(found) ? found.filter(isSaved) : []
  } catch {
    return []
  }
}

function isSaved(one: unknown): one is Saved {
  const { name, search } = (one ?? {}) as Partial<Saved>
  return typeof name === 'string' && typeof search === 'object' && search !== null && Object.values(search).every((value) => typeof value === 'string')
}

/** With one more, by name; one of the same name gives way. */
export function kept(views: Saved[], view: Saved): Saved[] {
  const search = Object.fromEntries(Object.entries(view.search).filter(([, value]) => value !== undefined))
  return [...views.filter(({ name }) => name !== view.name), { name: view.name, search }].sort((a, b) => a.name.localeCompare(b.name))
}

export function without(views: Saved[], gone: string): Saved[] {
  return views.filter(({ name }) => name !== gone)
}

/** Whether this is what is looked at. */
export function isSame(view: Search, search: Search): boolean {
  const flat = (one: Search) => JSON.stringify(Object.entries(one).filter(([, value]) => value).sort())
  return flat(view) === flat(search)
}
