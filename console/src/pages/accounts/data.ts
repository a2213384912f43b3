/** What is known of accounts, from the three places that know it. */
import { useQuery } from '@tanstack/react-query'
import { api, $api, type Of } from '../../api/client'
import type { Search } from '../../app/search'
import { useEvery } from '../../parts/every'
import { failuresOf } from './failures'

export type Account = Of<'AccountView'>
export type Standing = Of<'AccountAvailability'>
export type Mark = Of<'MarkView'>

/** How often what changes by itself is looked at again. */
export const LIVE = 5_000

export function useAccounts() {
  return useEvery('accounts', async (query) => (await api.GET('/api/v1/admin/accounts', { params: { query } })).data as Of<'List_AccountView'>, LIVE)
}

export function useGroups() {
  return useEvery('groups', async (query) => (await api.GET('/api/v1/admin/groups', { params: { query } })).data as Of<'List_Group'>)
}

/** How accounts stand now, by id. */
export function useStandings(): Map<number, Standing> {
  const { data } = $api.useQuery('get', '/api/v1/admin/ops/account-availability', {}, { refetchInterval: LIVE })
  return new Map(data?.accounts.map((one) => [one.account_id, one]))
}

/** Failed attempts by account in the window; of an account that is not told of, `undefined`. */
export function useFailures(window: Search): (id: number) => number | undefined {
  const { data } = useQuery({
    queryKey: ['failures by account', window],
    queryFn: async ({ signal }) => (await api.GET('/api/v1/admin/ops/dashboard/error-distribution', { params: { query: { ...window, of: 'attempts', by: 'account' } as never }, signal })).data,
    refetchInterval: 30_000,
  })
  return (id) => failuresOf(data, id)
}
