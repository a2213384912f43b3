/** What the pages of alerts ask the API, and how they have it asked again after a change. */
import { useQueryClient } from '@tanstack/react-query'
import { $api, api } from '../../api/client'
import type { Rule, Silence } from './kinds'

const ALL = { params: { query: { page_size: 500 } } }

/** The rules; `undefined` until they are there. */
export function useRules() {
  const query = $api.useQuery('get', '/api/v1/admin/ops/alert-rules', ALL, { staleTime: 15_000, refetchInterval: 30_000 })
  // The document names one shape for all that somebody wrote.
  return { query, rules: query.data?.items as unknown as Rule[] | undefined }
}

export function useSilences() {
  const query = $api.useQuery('get', '/api/v1/admin/ops/alert-silences', ALL, { refetchInterval: 30_000 })
  return { query, silences: query.data?.items as unknown as Silence[] | undefined }
}

/** A rule as it is now, for whoever is about to write over it. */
export function readRule(id: number): () => Promise<Rule | undefined> {
  return async () => (await api.GET('/api/v1/admin/ops/alert-rules/{id}', { params: { path: { id } } })).data as unknown as Rule | undefined
}

/** A silence as it is now; the API has them as a list alone. */
export function readSilence(id: number): () => Promise<Silence | undefined> {
  return async () => {
    const { data } = await api.GET('/api/v1/admin/ops/alert-silences', ALL)
    return (data?.items as unknown as Silence[] | undefined)?.find((one) => one.id === id)
  }
}

export function useStands() {
  return $api.useQuery('get', '/api/v1/admin/ops/alert-stands', ALL, { refetchInterval: 10_000 })
}

/** Has everything that is about alerts asked for again, and who was told of them. */
export function useAgain(): () => Promise<void> {
  const queries = useQueryClient()
  return () => queries.invalidateQueries({ predicate: ({ queryKey: [name, path] }) => name === 'alert-events' || /^\/api\/v1\/admin\/ops\/(alert-|notifications)/.test(String(path)) })
}
