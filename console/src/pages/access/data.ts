/** Groups, users and keys. */
import { api, type Of } from '../../api/client'
import { useEvery } from '../../parts/every'

export { useGroups } from '../accounts/data'
export type Group = Of<'Group'>
export type User = Of<'UserView'>
export type Key = Of<'ApiKeyView'>

const LIVE = 10_000

export function useUsers() {
  return useEvery('users', async (query) => (await api.GET('/api/v1/admin/users', { params: { query } })).data as Of<'List_UserView'>, LIVE)
}

export function useKeys() {
  return useEvery('api keys', async (query) => (await api.GET('/api/v1/admin/api-keys', { params: { query } })).data as Of<'List_ApiKeyView'>, LIVE)
}
