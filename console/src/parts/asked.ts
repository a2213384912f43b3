/** What the page's address asks for, and how to ask for something else on the same page. */
import { useNavigate, useSearch } from '@tanstack/react-router'
import type { Search } from '../app/search'

/** The page's query; and a change of it, in which `undefined` takes a name away. */
export function useAsked(): [Search, (change: Search) => void] {
  const search = useSearch({ strict: false })
  const navigate = useNavigate()
  return [search, (change) => void navigate({ to: '.', search: (old: Search) => ({ ...old, ...change }), replace: true })]
}
