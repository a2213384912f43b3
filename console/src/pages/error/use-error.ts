/** One failed request, whole. */
import { queryOptions, useQuery } from '@tanstack/react-query'
import { api, type Of } from '../../api/client'

/** Each look at headers and bodies stands in the audit log: nothing is asked for again by itself. */
export const errorOf = (id: string) =>
  queryOptions({
    queryKey: ['error', id],
    queryFn: async ({ signal }): Promise<Of<'ErrorLogDetail'>> => {
      const { data } = await api.GET('/api/v1/admin/ops/errors/{id}', { params: { path: { id } }, signal })
      if (!data) throw new Error('no answer')
      return data
    },
    staleTime: 60_000,
    refetchOnWindowFocus: false,
  })

export function useError(id: string) {
  return useQuery(errorOf(id))
}
