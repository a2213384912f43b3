/** What the page of objectives asks the API, and how it has it asked again after a change. */
import { useQueryClient } from '@tanstack/react-query'
import { api } from '../../api/client'

/** An objective as it is now, for whoever is about to write over it. */
export function readObjective(id: number) {
  return async () => (await api.GET('/api/v1/admin/ops/objectives/{id}', { params: { path: { id } } })).data?.objective
}

/** Has everything that is about objectives asked for again. */
export function useAgain(): () => Promise<void> {
  const queries = useQueryClient()
  return () => queries.invalidateQueries({ predicate: ({ queryKey }) => String(queryKey[1]).startsWith('/api/v1/admin/ops/objectives') })
}
