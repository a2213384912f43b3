/** Accounts, groups, keys and users by name, for whoever chooses one of them. */
import { useQuery } from '@tanstack/react-query'
import { api } from '../../api/client'
import type { NamedKind } from './table'

interface Named {
  id: number
  name: string
}

/** As many as one page has; whoever has more finds the rest by id. */
const query = { page_size: 500 }

const ASK: Record<NamedKind, () => Promise<Named[]>> = {
  account: async () => (await api.GET('/api/v1/admin/accounts', { params: { query } })).data?.items ?? [],
  group: async () => (await api.GET('/api/v1/admin/groups', { params: { query } })).data?.items ?? [],
  key: async () => (await api.GET('/api/v1/admin/api-keys', { params: { query } })).data?.items ?? [],
  user: async () => (await api.GET('/api/v1/admin/users', { params: { query } })).data?.items ?? [],
}

export function isNamed(kind: string): kind is NamedKind {
  return kind in ASK
}

/** The things of a kind, and the name of one by its id. */
export function useNames(kind: NamedKind | undefined) {
  const { data, isLoading } = useQuery({
    queryKey: ['names', kind],
    queryFn: async () => (kind ? (await ASK[kind]()).map(({ id, name }) => ({ value: String(id), label: name })) : []),
    enabled: kind !== undefined,
    staleTime: 60_000,
  })
  const names = data ?? []
  return { names, isLoading, nameOf: (id: string) => names.find(({ value }) => value === id)?.label ?? `#${id}` }
}
