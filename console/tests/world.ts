/**
 * A world per story: simulated providers, the real gateway with its console, an admin who is signed in.
 * Promises: loopback and free ports alone; everything is ended when the story is.
 */
import { createServer } from 'node:http'
import { type Browser, type BrowserContext, expect, type Page, test as base } from '@playwright/test'
import { ADMIN_TOKEN, CLIENT_KEY, startGateway, startSim } from '../../tests/sdk/typescript/servers.mjs'

const PASSWORD = 'a password for the stories'
export const ADMIN = { name: 'ada', password: PASSWORD }

export interface World {
  /** The gateway's address. */
  url: string
  sim: Awaited<ReturnType<typeof startSim>>
  /** Asks the admin API as the configured token. */
  ask: (method: string, path: string, body?: unknown) => Promise<unknown>
  /** A client's request; its status. */
  request: (body?: Record<string, unknown>) => Promise<number>
}

export interface Seen {
  world: World
  /** Signed in as an admin, at the overview. Whatever the browser complained of fails the story. */
  page: Page
}

export const test = base.extend<Seen>({
  world: async ({}, use) => {
    const sim = await startSim()
    const gateway = await startGateway(sim)
    const world = worldOf(gateway.url, sim)
    await world.ask('POST', 'setup', { setup_token: ADMIN_TOKEN, ...ADMIN })
    await use(world)
    await gateway.close()
    await sim.close()
  },
  page: async ({ browser, world }, use) => {
    const { page, complaints, context } = await visitor(browser, world.url)
    await signIn(page, world.url, ADMIN)
    await use(page)
    expect(complaints, 'what the browser complained of').toEqual([])
    await context.close()
  },
})

export { expect }

/** Somebody with a browser of their own. */
export async function visitor(browser: Browser, url: string, options: Parameters<Browser['newContext']>[0] = {}): Promise<{ page: Page; context: BrowserContext; complaints: string[] }> {
  const context = await browser.newContext({ locale: 'en-US', timezoneId: 'Europe/Berlin', ...options })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    // A refusal of the API is an answer that the page shows; the browser logs it all the same.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) complaints.push(message.text())
  })
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) complaints.push(`a request to ${request.url()}`)
  })
  return { page, context, complaints }
}

export async function signIn(page: Page, url: string, who: { name: string; password: string }): Promise<void> {
  await page.goto(`${url}/console/`)
  await page.getByRole('textbox', { name: 'Name' }).fill(who.name)
  await page.getByRole('textbox', { name: 'Password' }).fill(who.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('navigation')).toBeVisible()
}

function worldOf(url: string, sim: World['sim']): World {
  const ask: World['ask'] = async (method, path, body) => {
    const answer = await fetch(`${url}/api/v1/admin/${path}`, {
      method,
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return text ? JSON.parse(text) : null
  }
  const request: World['request'] = async (body = {}) => {
    const answer = await fetch(`${url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': CLIENT_KEY, 'anthropic-version': '2023-06-01', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'claude-sonnet-4-5', max_tokens: 64, messages: [{ role: 'user', content: 'Hello' }], ...body }),
    })
    await answer.arrayBuffer()
    return answer.status
  }
  return { url, sim, ask, request }
}

/** A notice of a message, as docs/NOTIFICATIONS.md has it. */
export interface Notice {
  kind: string
  rule: string | null
  severity: string
  sentence: string
  event_id: number | null
}

/** Who is told: a webhook's receiver, which takes everything. */
export async function startReceiver(): Promise<{ url: string; heard: Notice[]; signed: (string | undefined)[]; close: () => void }> {
  const [heard, signed]: [Notice[], (string | undefined)[]] = [[], []]
  const server = createServer((asked, answer) => {
    let text = ''
    asked.setEncoding('utf8').on('data', (part: string) => (text += part))
    asked.on('end', () => {
      heard.push(...(JSON.parse(text) as { notices: Notice[] }).notices)
      signed.push(asked.headers['x-waybill-signature'] as string | undefined)
      answer.writeHead(200).end('taken')
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as { port: number }
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://127.0.0.1:${port}/hooks/a-secret-path`, heard, signed, close }
}
