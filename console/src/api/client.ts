/**
 * The admin API, typed by its own description. Promises: whatever is not a success is thrown as a `Problem`; a change
 * carries the session's CSRF token; nothing is sent anywhere but to the gateway that served this page.
 */
import createFetchClient, { type Middleware } from 'openapi-fetch'
import createQueryClient from 'openapi-react-query'
import { PREFIX } from '../app/base'
import type { Search } from '../app/search'
import { Problem } from './problem'
import type { components, paths } from './schema'

/** A type of the API by its name. */
export type Of<Name extends keyof components['schemas']> = components['schemas'][Name]

let csrfToken: string | undefined

/** Remembers what changes by this session must carry. */
export function setCsrfToken(token: string | undefined | null): void {
  csrfToken = token ?? undefined
}

const SAFE = new Set(['GET', 'HEAD'])

const manners: Middleware = {
  onRequest({ request }) {
    if (!SAFE.has(request.method) && csrfToken) request.headers.set('x-waybill-csrf', csrfToken)
    return request
  },
  async onResponse({ response }) {
    if (!response.ok) throw await Problem.of(response)
  },
  onError({ error }) {
    if (error instanceof DOMException && error.name === 'AbortError') return error
    return error instanceof Problem ? error : Problem.unreachable(error)
  },
}

/** One request at a time: `await api.POST('/api/v1/admin/…', {…})`. */
export const api = createFetchClient<paths>({ baseUrl: PREFIX, credentials: 'same-origin' })
api.use(manners)

/** Requests as queries and mutations: `$api.useQuery('get', '/api/v1/admin/…', {…})`. */
export const $api = createQueryClient(api)

/** An address of the API for what opens it by itself: event streams and downloads. */
export function address(path: string, query: Search = {}): string {
  const text = new URLSearchParams(Object.entries(query).filter((pair): pair is [string, string] => Boolean(pair[1]))).toString()
  return `${PREFIX}/api/v1/admin/${path}${text && `?${text}`}`
}
