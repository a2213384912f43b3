/** What is configured, as choices of a field: an id, and the name that people know it by. */
import { $api } from '../api/client'

export interface Choice {
  value: string
  label: string
}

interface Named {
  id: number
  name: string
}

const KEPT = { staleTime: 60_000 }

function choicesOf(rows: readonly Named[] | undefined): Choice[] {
  return rows?.map(({ id, name }) => ({ value: String(id), label: `${name} (${id})` })) ?? []
}

/** Accounts; of one platform where one is given. */
export function useAccountChoices(platform?: string | null): Choice[] {
  const { data } = $api.useQuery('get', '/api/v1/admin/accounts', { params: { query: { page_size: 500 } } }, KEPT)
  return choicesOf(data?.items.filter((account) => !platform || account.platform === platform))
}

export function useGroupChoices(): Choice[] {
  const { data } = $api.useQuery('get', '/api/v1/admin/groups', { params: { query: { page_size: 500 } } }, KEPT)
  return choicesOf(data?.items)
}

export function useKeyChoices(): Choice[] {
  const { data } = $api.useQuery('get', '/api/v1/admin/api-keys', { params: { query: { page_size: 500 } } }, KEPT)
  return choicesOf(data?.items)
}

export function useUserChoices(): Choice[] {
  const { data } = $api.useQuery('get', '/api/v1/admin/users', { params: { query: { page_size: 500 } } }, KEPT)
  return choicesOf(data?.items)
}

export function useChannelChoices(): Choice[] {
  const { data } = $api.useQuery('get', '/api/v1/admin/ops/notification-channels', { params: { query: { page_size: 500 } } }, KEPT)
  return choicesOf(data?.items)
}

export function useObjectiveChoices(): Choice[] {
  const { data } = $api.useQuery('get', '/api/v1/admin/ops/objectives', { params: { query: { page_size: 500 } } }, KEPT)
  return choicesOf(data?.items)
}

/** The name that belongs to an id, or the id. */
export function nameOf(choices: readonly Choice[], id: number | string | null | undefined): string {
  if (id === null || id === undefined) return ''
  return choices.find(({ value }) => value === String(id))?.label ?? `#${id}`
}
