/** Who may come in, and what they may do; and that a proxy may put all of it elsewhere. */
import { createServer, request as forward } from 'node:http'
import { ADMIN, expect, signIn, test, visitor } from './world'

test('a wrong password is refused, and a viewer is not offered what they may not do', async ({ browser, world }) => {
  const viewer = { name: 'vic', password: 'the viewer’s password' }
  await world.ask('POST', 'admin-users', { ...viewer, role: 'viewer' })
  await world.sim.script({ platform: 'anthropic', fault: { kind: 'http', status: 500, body: { type: 'error', error: { type: 'api_error', message: 'secret sauce' } } } })
  await world.request()
  const { page, complaints, context } = await visitor(browser, world.url)
  await page.goto(`${world.url}/console/errors?view=all`)
  await page.getByRole('textbox', { name: 'Name' }).fill(viewer.name)
  await page.getByRole('textbox', { name: 'Password' }).fill('not the password')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('alert')).toContainText('wrong')
  await page.getByRole('textbox', { name: 'Password' }).fill(viewer.password)
  await page.getByRole('button', { name: 'Sign in' }).click()

  // Where they wanted to go.
  const row = page.getByRole('row').filter({ hasText: 'secret sauce' })
  await expect(row).toBeVisible()
  await row.click()
  await expect(page.getByText('Operators and admins may send it again', { exact: false })).toBeVisible()
  await expect(page.getByText('Headers and bodies are for operators and admins', { exact: false })).toBeVisible()
  await expect(page.getByRole('button', { name: 'Send', exact: true })).toHaveCount(0)
  await expect(page.getByRole('link', { name: 'Audit log' })).toHaveCount(0)
  expect(complaints).toEqual([])
  await context.close()
})

test('it works under any prefix that a proxy takes away', async ({ browser, world }) => {
  const inner = new URL(world.url)
  const proxy = createServer((asked, answer) => {
    if (!asked.url?.startsWith('/some/where/')) return void answer.writeHead(404).end()
    const path = asked.url.slice('/some/where'.length)
    asked.pipe(
      forward({ host: inner.hostname, port: inner.port, path, method: asked.method, headers: asked.headers }, (said) => {
        answer.writeHead(said.statusCode ?? 502, said.headers)
        said.pipe(answer)
      }),
    )
  })
  await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done))
  const { port } = proxy.address() as { port: number }
  const url = `http://127.0.0.1:${port}/some/where`
  const { page, complaints, context } = await visitor(browser, url)
  await page.goto(`${url}/`)
  await expect(page).toHaveURL(/\/some\/where\/console\//)
  await signIn(page, url, ADMIN)
  await page.goto(`${url}/console/accounts`)
  await expect(page.getByText('anthropic-1').first()).toBeVisible()
  expect(complaints).toEqual([])
  await context.close()
  proxy.closeAllConnections()
  proxy.close()
})
