/** Who may come in, and what they may do; and that a proxy may put all of it elsewhere. */
import { createHmac } from 'node:crypto'
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

/** What an authenticator app shows for a secret in base32, so many steps of 30 seconds from now. */
function codeOf(secret: string, later = 0): string {
  const bits = [...secret].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)))
  const step = Buffer.alloc(8)
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + later))
  const tag = createHmac('sha1', key).update(step).digest()
  const number = tag.readUInt32BE((tag.at(-1) ?? 0) & 15) & 0x7fff_ffff
  return String(number % 1_000_000).padStart(6, '0')
}

test('a second factor is turned on, asked for, and turned off by an admin where it was lost', async ({ page, world, browser }) => {
  const vic = { name: 'vic', password: 'the viewer’s password' }
  await world.ask('POST', 'admin-users', { ...vic, role: 'viewer' })
  const { page: theirs, complaints, context } = await visitor(browser, world.url)
  await signIn(theirs, world.url, vic)
  await theirs.goto(`${world.url}/console/me`)
  await theirs.getByRole('button', { name: 'Turn on' }).click()
  const dialog = theirs.getByRole('dialog')
  await dialog.getByRole('textbox', { name: 'Password' }).fill('not the password')
  await dialog.getByRole('button', { name: 'Next' }).click()
  await expect(dialog.getByRole('alert')).toContainText('The password is wrong')
  await dialog.getByRole('textbox', { name: 'Password' }).fill(vic.password)
  await dialog.getByRole('button', { name: 'Next' }).click()
  await expect(dialog.getByRole('img', { name: 'QR code' })).toBeVisible()
  const secret = (await dialog.locator('[data-secret]').innerText()).replaceAll(' ', '')
  await dialog.getByRole('textbox', { name: 'Code' }).fill('000 00')
  await dialog.getByRole('button', { name: 'Confirm' }).click()
  await expect(dialog.getByRole('alert')).toContainText('totp_wrong')
  await dialog.getByRole('textbox', { name: 'Code' }).fill(codeOf(secret))
  await dialog.getByRole('button', { name: 'Confirm' }).click()
  await expect(dialog).toHaveCount(0)
  await expect(theirs.getByRole('button', { name: 'Turn off' })).toBeVisible()

  // Signed out, they are asked for a code; the one that was used is none.
  await theirs.getByRole('button', { name: 'My account' }).click()
  await theirs.getByRole('menuitem', { name: 'Sign out' }).click()
  await theirs.getByRole('textbox', { name: 'Name' }).fill(vic.name)
  await theirs.getByRole('textbox', { name: 'Password' }).fill(vic.password)
  await theirs.getByRole('button', { name: 'Sign in' }).click()
  const code = theirs.getByRole('textbox', { name: 'Code' })
  await expect(code).toBeFocused()
  await expect(theirs.getByRole('alert')).toHaveCount(0)
  await code.fill('000 00')
  await theirs.getByRole('button', { name: 'Sign in' }).click()
  await expect(theirs.getByRole('alert')).toContainText('The code is wrong')
  await code.fill(codeOf(secret, 1))
  await theirs.getByRole('button', { name: 'Sign in' }).click()
  await expect(theirs.getByRole('navigation')).toBeVisible()

  // The device is lost: an admin turns it off, which ends their sessions, and the password is enough.
  await page.goto(`${world.url}/console/people`)
  const row = page.getByRole('row').filter({ hasText: vic.name })
  await expect(row).toContainText('on')
  await row.click()
  await page.getByRole('button', { name: 'Turn off' }).click()
  await page.getByRole('dialog', { name: 'Turn off the second factor of vic?' }).getByRole('button', { name: 'Turn off' }).click()
  await expect(row).toContainText('off')
  await theirs.goto(`${world.url}/console/me`)
  await expect(theirs.getByRole('button', { name: 'Sign in' })).toBeVisible()
  await signIn(theirs, world.url, vic)
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
