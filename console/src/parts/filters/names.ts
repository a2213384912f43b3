/** Accounts, groups, keys and users by name, for whoever chooses one of them; what fields of choice ask for, too. */
import { useQuery, type UseQueryOptions } from '@tanstack/react-query'
import { $api } from '../../api/client'
import type { NamedKind } from './table'

interface Named {
  id: number
  name: string
}

/** As many as one page has; whoever has more finds the rest by id. */
const FIRST = { params: { query: { page_size: 500 } } }

const OPTIONS = {
  account: $api.queryOptions('get', '/api/v1/admin/accounts', FIRST),
  group: $api.queryOptions('get', '/api/v1/admin/groups', FIRST),
  key: $api.queryOptions('get', '/api/v1/admin/api-keys', FIRST),
  user: $api.queryOptions('get', '/api/v1/admin/users', FIRST),
} as const satisfies Record<NamedKind, unknown>

export function isNamed(kind: string): kind is NamedKind {
  return kind in OPTIONS
}

/** The things of a kind, and the name of one by its id. */
export function useNames(kind: NamedKind | undefined) {
  // The four answers differ beside what is read here.
  const options = OPTIONS[kind ?? 'account'] as unknown as UseQueryOptions<{ items: Named[] }>
  const { data, isLoading } = useQuery({ ...options, enabled: kind !== undefined, staleTime: 60_000 })
  const names = kind && data ? data.items.map(({ id, name }) => ({ value: String(id), label: name })) : []
  return { names, isLoading, nameOf: (id: string) => names.find(({ value }) => value === id)?.label ?? `#${id}` }
}
