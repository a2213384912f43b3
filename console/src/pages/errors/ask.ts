/** Asks for pages of failed requests. */
import { api, type Of } from '../../api/client'
import type { operations } from '../../api/schema'
import type { Search } from '../../app/search'

export type Row = Of<'ErrorLog'>

type Query = NonNullable<operations['list_errors']['parameters']['query']>

/** An address's words as the query that they are: numbers, too, are text in an address. */
export function queryOf(search: Search): Query {
  return search as Query
}

export async function askErrors(search: Search, signal?: AbortSignal) {
  const { data } = await api.GET('/api/v1/admin/ops/errors', { params: { query: queryOf(search) }, signal })
  if (!data) throw new Error('no answer')
  return { rows: data.errors, next: data.next_cursor, total: data.total, isEstimate: data.total_is_estimate }
}
