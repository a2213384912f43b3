/** Has everything that is about classification rules asked for again. */
import { useQueryClient } from '@tanstack/react-query'

export function useAgain(): () => Promise<void> {
  const queries = useQueryClient()
  return () => queries.invalidateQueries({ predicate: ({ queryKey }) => String(queryKey[1]).startsWith('/api/v1/admin/ops/classification-rules') })
}
