/** Asks for pages of failed attempts. */
import { api, type Of } from '../../api/client'
import type { Search } from '../../app/search'
import { queryOf } from '../errors/ask'

export type Row = Of<'UpstreamErrorEvent'>

export async function askAttempts(search: Search, signal?: AbortSignal) {
  const { data } = await api.GET('/api/v1/admin/ops/upstream-errors', { params: { query: queryOf(search) }, signal })
  if (!data) throw new Error('no answer')
  return { rows: data.events, next: data.next_cursor, total: data.total, isEstimate: data.total_is_estimate }
}
