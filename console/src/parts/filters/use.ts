/** The filters of a page: they are its address. */
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback } from 'react'
import { type Search, WINDOW, windowOf } from '../../app/search'

/** A link's search: the time that is looked at goes along, and these beside it. Which address it is, the compiler does not follow. */
export function within(more: Search = {}): never {
  return ((old: Search) => ({ ...windowOf(old), ...more })) as never
}

/** What the address says, and how to say something else. Each change is a step that the browser's way back undoes. */
export function useAddress() {
  const search: Search = useSearch({ strict: false })
  const navigate = useNavigate()
  const change = useCallback(
    (next: Search, options: { replace?: boolean } = {}) => void navigate({ to: '.', search: (old: Search) => ({ ...old, ...next }), ...options }),
    [navigate],
  )
  /** Everything but the time is as these say. */
  const become = useCallback(
    (next: Search) =>
      void navigate({
        to: '.',
        search: (old: Search) => ({ ...(WINDOW.some((name) => next[name]) ? {} : Object.fromEntries(WINDOW.map((name) => [name, old[name]]))), ...next }),
      }),
    [navigate],
  )
  return { search, change, become }
}
