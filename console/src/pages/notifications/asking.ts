/** Has everything that is about channels and deliveries asked for again. */
import { useQueryClient } from '@tanstack/react-query'

export function useAgain(): () => Promise<void> {
  const queries = useQueryClient()
  return () => queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === 'notifications' || String(queryKey[1]).startsWith('/api/v1/admin/ops/notification') })
}
