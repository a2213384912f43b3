/**
 * The admin API, typed by its own description. Promises: whatever is not a success is thrown as a `Problem`; a change
 * carries the session's CSRF token, and is sent once more where another tab has begun a session anew; whoever knows the
 * session is told when an answer was 401; nothing is sent anywhere but to the gateway that served this page.
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

/** Whoever knows the session. */
interface Keeper {
  /** An answer was 401: whoever was signed in may be nobody any more. */
  refused: () => void
  /** Asks who is signed in, for a token that is good; whether it is the same one as before. */
  renew: () => Promise<boolean>
}

let keeper: Keeper | undefined

export function keepSession(by: Keeper): void {
  keeper = by
}

const SAFE = new Set(['GET', 'HEAD'])
const CSRF = 'x-waybill-csrf'

/** Where who it is is only being asked or told, 401 is not the end of a session. */
const BEFORE_SESSIONS = /^\/api\/v1\/admin\/(me|setup|sign-in(\/.*)?)$/

/** Sends a request; a change with a token that is out of date once more, with a new one, if it is still the same person's. */
async function send(request: Request): Promise<Response> {
  if (SAFE.has(request.method)) return fetch(request)
  const again = request.clone()
  const answer = await fetch(request)
  if (answer.status !== 403 || (await Problem.of(answer.clone())).code !== 'csrf_token') return answer
  if (!(await keeper?.renew()) || !csrfToken) return answer
  again.headers.set(CSRF, csrfToken)
  return fetch(again)
}

const manners: Middleware = {
  onRequest({ request }) {
    if (!SAFE.has(request.method) && csrfToken) request.headers.set(CSRF, csrfToken)
    return request
  },
  async onResponse({ schemaPath, response }) {
    if (response.status === 401 && !BEFORE_SESSIONS.test(schemaPath)) keeper?.refused()
    if (!response.ok) throw await Problem.of(response)
  },
  onError({ error }) {
    if (error instanceof DOMException && error.name === 'AbortError') return error
    return error instanceof Problem ? error : Problem.unreachable(error)
  },
}

/** One request at a time: `await api.POST('/api/v1/admin/…', {…})`. */
export const api = createFetchClient<paths>({ baseUrl: location.origin + PREFIX, credentials: 'same-origin', fetch: send })
api.use(manners)

/** Requests as queries and mutations: `$api.useQuery('get', '/api/v1/admin/…', {…})`. */
export const $api = createQueryClient(api)

/** An address of the API for what opens it by itself: event streams and downloads. */
export function address(path: string, query: Search = {}): string {
  const text = new URLSearchParams(Object.entries(query).filter((pair): pair is [string, string] => Boolean(pair[1]))).toString()
  return `${PREFIX}/api/v1/admin/${path}${text && `?${text}`}`
}
