/** The second factor: turned on with an authenticator app, asked for, and turned off by an admin where it was lost. */
import { createHmac } from 'node:crypto'
import { button, dialog, field, send, sure } from './forms'
import { expect, signIn, test, visitor } from './world'

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

const VIC = { name: 'vic', password: 'the viewer’s password' }

test('a second factor is turned on, asked for, and turned off by an admin where it was lost', async ({ page, world, browser }) => {
  await world.ask('POST', 'admin-users', { ...VIC, role: 'viewer' })
  const { page: theirs, complaints, context } = await visitor(browser, world.url)
  await signIn(theirs, world.url, VIC)
  await theirs.goto(`${world.url}/console/me`)
  await button(theirs, 'Turn on').click()
  const form = dialog(theirs, 'Second factor')
  const password = form.getByRole('textbox', { name: 'Password as it is now' })
  await password.fill('not the password')
  await button(form, 'Next').click()
  await expect(form.getByRole('alert')).toContainText('The password is wrong')
  await password.fill(VIC.password)
  await button(form, 'Next').click()

  // The secret, to scan or to type; in force with the first code of it.
  await expect(form.getByRole('img', { name: 'QR code' })).toBeVisible()
  const secret = (await form.locator('[data-secret]').innerText()).replaceAll(' ', '')
  const first = form.getByRole('textbox', { name: 'Code' })
  await first.fill('000 00')
  await button(form, 'Confirm').click()
  await expect(form.getByRole('alert')).toContainText('The code is wrong')
  await first.fill(codeOf(secret))
  await send(form, 'Confirm')
  await expect(button(theirs, 'Turn off')).toBeVisible()

  // Signed out, they are asked for a code.
  await button(theirs, 'My account').click()
  await theirs.getByRole('menuitem', { name: 'Sign out' }).click()
  await field(theirs, /^Name/).fill(VIC.name)
  await field(theirs, /^Password/).fill(VIC.password)
  await button(theirs, 'Sign in').click()
  const code = theirs.getByRole('textbox', { name: 'Code' })
  await expect(code).toBeFocused()
  await expect(theirs.getByRole('alert')).toHaveCount(0)
  await code.fill('000 00')
  await button(theirs, 'Sign in').click()
  await expect(theirs.getByRole('alert')).toContainText('The code is wrong')
  await code.fill(codeOf(secret, 1))
  await button(theirs, 'Sign in').click()
  await expect(theirs.getByRole('navigation')).toBeVisible()

  // The device is lost: an admin turns it off, which ends their sessions, and the password is enough.
  await page.goto(`${world.url}/console/people`)
  const row = page.getByRole('row').filter({ hasText: VIC.name })
  await expect(row.getByText('on', { exact: true })).toBeVisible()
  await row.click()
  await button(dialog(page, VIC.name), 'Turn off').click()
  await sure(page, 'Turn off the second factor of vic?', 'Turn off')
  await expect(row.getByText('off', { exact: true })).toBeVisible()
  await theirs.goto(`${world.url}/console/me`)
  await expect(button(theirs, 'Sign in')).toBeVisible()
  await signIn(theirs, world.url, VIC)
  expect(complaints).toEqual([])
  await context.close()
})
