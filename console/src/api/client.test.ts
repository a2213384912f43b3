import { afterEach, expect, test, vi } from 'vitest'
import { api, keepSession, setCsrfToken } from './client'
import { Problem } from './problem'

const answer = (status: number, body: unknown) => new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })
const refusal = (status: number, code: string) => answer(status, { code, detail: code })

/** Answers one after the other; what was asked. */
function serve(...answers: Response[]) {
  const asked: { token: string | null; body: string }[] = []
  vi.stubGlobal('fetch', async (request: Request) => {
    asked.push({ token: request.headers.get('x-waybill-csrf'), body: await request.text() })
    return answers.shift() ?? answer(500, {})
  })
  return asked
}

const change = () => api.POST('/api/v1/admin/users', { body: { name: 'ada' } as never })

afterEach(() => vi.unstubAllGlobals())

test('a change whose token another tab has made old is sent once more with a new one', async () => {
  setCsrfToken('old')
  keepSession({ refused: vi.fn(), renew: async () => (setCsrfToken('new'), true) })
  const asked = serve(refusal(403, 'csrf_token'), answer(201, { id: 1 }))
  await change()
  expect(asked.map(({ token }) => token)).toEqual(['old', 'new'])
  expect(asked[1]?.body).toBe(asked[0]?.body)
})

test('it is not sent again in another’s name, for another refusal, or a second time', async () => {
  const renew = vi.fn(async () => false)
  keepSession({ refused: vi.fn(), renew })
  let asked = serve(refusal(403, 'csrf_token'))
  await expect(change()).rejects.toMatchObject({ status: 403, code: 'csrf_token' })
  expect(asked).toHaveLength(1)
  asked = serve(refusal(403, 'forbidden'))
  await expect(change()).rejects.toMatchObject({ code: 'forbidden' })
  expect([asked.length, renew.mock.calls.length]).toEqual([1, 1])
  keepSession({ refused: vi.fn(), renew: async () => true })
  asked = serve(refusal(403, 'csrf_token'), refusal(403, 'csrf_token'))
  await expect(change()).rejects.toMatchObject({ code: 'csrf_token' })
  expect(asked).toHaveLength(2)
})

test('an answer of 401 tells that the session may be over, but for where one signs in', async () => {
  const refused = vi.fn()
  keepSession({ refused, renew: async () => true })
  serve(refusal(401, 'unauthorized'), refusal(401, 'unauthorized'), refusal(401, 'unauthorized'))
  await expect(api.GET('/api/v1/admin/me')).rejects.toBeInstanceOf(Problem)
  await expect(api.POST('/api/v1/admin/sign-in', { body: { name: 'ada', password: 'no' } })).rejects.toBeInstanceOf(Problem)
  expect(refused).not.toHaveBeenCalled()
  await expect(api.GET('/api/v1/admin/ops/jobs')).rejects.toBeInstanceOf(Problem)
  expect(refused).toHaveBeenCalledOnce()
})
