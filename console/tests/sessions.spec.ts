/** A session from its beginning to its end: where somebody wanted to go, other tabs, a gateway that is silent. */
import { createServer, request as forward } from 'node:http'
import type { Page } from '@playwright/test'
import { ADMIN, expect, signIn, test, visitor, type World } from './world'

async function fillIn(page: Page): Promise<void> {
  await page.getByRole('textbox', { name: 'Name' }).fill(ADMIN.name)
  await page.getByRole('textbox', { name: 'Password' }).fill(ADMIN.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** A proxy that has the gateway under a prefix. */
async function under(prefix: string, world: World): Promise<{ url: string; close: () => void }> {
  const inner = new URL(world.url)
  const proxy = createServer((asked, answer) => {
    if (!asked.url?.startsWith(`${prefix}/`)) return void answer.writeHead(404).end()
    const path = asked.url.slice(prefix.length)
    const options = { host: inner.hostname, port: inner.port, path, method: asked.method, headers: asked.headers }
    asked.pipe(forward(options, (said) => void said.pipe(answer.writeHead(said.statusCode ?? 502, said.headers))))
  })
  await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done))
  const { port } = proxy.address() as { port: number }
  const close = () => {
    proxy.closeAllConnections()
    proxy.close()
  }
  return { url: `http://127.0.0.1:${port}${prefix}`, close }
}

test('a deep link leads through the sign-in to its page, whose address can be loaded again, also under a prefix', async ({ browser, world }) => {
  const proxy = await under('/some/where', world)
  for (const url of [world.url, proxy.url]) {
    const { page, context, complaints } = await visitor(browser, url)
    const wanted = `${url}/console/errors?cause=overloaded&view=all`
    await page.goto(wanted)
    await fillIn(page)
    const chip = page.getByRole('button', { name: /Remove the filter Cause/ })
    await expect(chip).toBeVisible()
    expect(page.url()).toBe(wanted)
    await page.reload()
    await expect(chip).toBeVisible()
    expect(page.url()).toBe(wanted)
    expect(complaints).toEqual([])
    await context.close()
  }
  proxy.close()
})

test('no address leads out of the console', async ({ browser, world }) => {
  const { page, context } = await visitor(browser, world.url)
  await page.goto(`${world.url}/console/sign-in?to=${encodeURIComponent('//other.test/errors')}`)
  await fillIn(page)
  await expect(page.getByRole('navigation')).toBeVisible()
  expect(page.url()).toBe(`${world.url}/console/`)
  await context.close()
})

test('a session that has ended leads to the sign-in, and from there back', async ({ page, world }) => {
  await page.goto(`${world.url}/console/accounts?q=anthropic`)
  await expect(page.getByText('anthropic-1').first()).toBeVisible()
  await page.context().clearCookies()
  // The page asks by itself.
  await expect(page.getByText('Your session has ended', { exact: false })).toBeVisible()
  await fillIn(page)
  await expect(page).toHaveURL(`${world.url}/console/accounts?q=anthropic`)
  await expect(page.getByText('anthropic-1').first()).toBeVisible()

  // Or somebody goes elsewhere, and wants to be there.
  await page.goto(`${world.url}/console/rules`)
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  await page.context().clearCookies()
  await page.getByRole('link', { name: 'Issues', exact: true }).click()
  await expect(page.getByText('Your session has ended', { exact: false })).toBeVisible()
  await fillIn(page)
  await expect(page).toHaveURL(`${world.url}/console/issues`)

  // Who signs out is not told that anything ended.
  await page.getByRole('button', { name: 'My account' }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible()
  await expect(page.getByText('Your session has ended', { exact: false })).toHaveCount(0)
})

test('silence is said above every page, with its beginning, and nothing is called live', async ({ page }) => {
  await expect(page.locator('[data-live=on]')).toBeVisible()
  await page.route('**/api/v1/**', (route) => route.abort())
  const said = page.locator('[data-pulse=silent]')
  await expect(said).toContainText(/No answer since \d\d:\d\d:\d\d/, { timeout: 40_000 })
  await expect(page.locator('[data-live=broken]')).toBeVisible()
  await expect(page.locator('[data-live=on]')).toHaveCount(0)
  await page.unroute('**/api/v1/**')
  // It goes by itself, or sooner for who does not wait.
  await expect(page.locator('[data-pulse]')).toHaveCount(0, { timeout: 40_000 })
  await expect(page.locator('[data-live=on]')).toBeVisible()
})

test('a sign-in in another tab does not keep this one from changing things', async ({ page, world }) => {
  await page.goto(`${world.url}/console/users?open=new`)
  await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('somebody')
  const other = await page.context().newPage()
  await other.goto(`${world.url}/console/sign-in`)
  await fillIn(other)
  await expect(other.getByRole('navigation')).toBeVisible()
  await other.close()
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('row').filter({ hasText: 'somebody' })).toBeVisible()
})

test('an operator is not offered what needs an admin, and is told what only admins see', async ({ browser, world }) => {
  const operator = { name: 'otto', password: 'the operator’s password' }
  await world.ask('POST', 'admin-users', { ...operator, role: 'operator' })
  const { page, context, complaints } = await visitor(browser, world.url)
  await signIn(page, world.url, operator)
  await expect(page.locator('[data-sentence]')).toBeVisible()
  await expect(page.getByRole('link', { name: 'Set an objective' })).toHaveCount(0)
  await page.goto(`${world.url}/console/audit-log`)
  await expect(page.getByText('Only admins see the audit log.')).toBeVisible()
  expect(complaints).toEqual([])
  await context.close()
})

test('"not ready" is shown whole, however much there is to say', async ({ page, world }) => {
  const reasons = Array.from({ length: 20 }, (_, at) => `reason ${at}: the store cannot be written to`)
  await page.route('**/readyz', (route) => route.fulfill({ status: 503, json: { ready: false, reasons } }))
  await page.goto(`${world.url}/console/jobs`)
  await expect(page.getByText('reason 19: the store cannot be written to')).toBeVisible()
  await page.unroute('**/readyz')
  await page.route('**/readyz', (route) => route.fulfill({ status: 502, body: '<html>bad gateway</html>' }))
  await expect(page.getByRole('alert').filter({ hasText: 'bad gateway' }).first()).toBeVisible()
})
