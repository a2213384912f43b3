import { expect, test } from 'vitest'
import { readinessOf } from './readiness'

const answer = (status: number, body: string) => new Response(body, { status })

test('"not ready" is read whole, however long its reasons are', async () => {
  const reasons = Array.from({ length: 40 }, (_, at) => `account ${at}: the store cannot be written to`)
  expect(await readinessOf(answer(503, JSON.stringify({ ready: false, reasons })))).toMatchObject({ ready: false, reasons })
  expect(await readinessOf(answer(200, JSON.stringify({ ready: true, reasons: [] })))).toMatchObject({ ready: true })
})

test('who is in between does not know', async () => {
  for (const [status, body] of [[503, '<html>Service Unavailable'], [502, '{"ready":true,"reasons":[]}'], [200, 'ok'], [503, 'null'], [503, '{"code":"shutdown"}']] as const) {
    expect(await readinessOf(answer(status, body))).toBeUndefined()
  }
})
