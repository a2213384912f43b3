/** What the pages of alerts ask the API, and how they have it asked again after a change. */
import { useQueryClient } from '@tanstack/react-query'
import { $api } from '../../api/client'
import type { Rule, Silence } from './kinds'

const ALL = { params: { query: { page_size: 500 } } }

/** The rules; `undefined` until they are there. */
export function useRules() {
  const query = $api.useQuery('get', '/api/v1/admin/ops/alert-rules', ALL, { staleTime: 15_000 })
  // The document names one shape for all that somebody wrote.
  return { query, rules: query.data?.items as unknown as Rule[] | undefined }
}

export function useSilences() {
  const query = $api.useQuery('get', '/api/v1/admin/ops/alert-silences', ALL, { refetchInterval: 30_000 })
  return { query, silences: query.data?.items as unknown as Silence[] | undefined }
}

export function useStands() {
  return $api.useQuery('get', '/api/v1/admin/ops/alert-stands', ALL, { refetchInterval: 10_000 })
}

/** Has everything that is about alerts asked for again, and who was told of them. */
export function useAgain(): () => Promise<void> {
  const queries = useQueryClient()
  return () => queries.invalidateQueries({ predicate: ({ queryKey: [name, path] }) => name === 'alert-events' || /^\/api\/v1\/admin\/ops\/(alert-|notifications)/.test(String(path)) })
}
