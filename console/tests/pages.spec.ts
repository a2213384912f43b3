/** Every page, without anything to show and with something: it opens, says so, fits, and can be used by everybody. */
import { expect } from '@playwright/test'
import { serious, wider } from './fit'
import { button, dialog } from './forms'
import { ADMIN, signIn, test, visitor } from './world'

const PAGES = [
  '', 'errors', 'upstream-errors', 'issues', 'replays', 'accounts', 'groups', 'keys', 'users', 'alerts', 'objectives',
  'notifications', 'reports', 'rules', 'jobs', 'settings', 'audit-log', 'people', 'me',
]

for (const [theme, viewport] of [
  ['light', { width: 1280, height: 800 }],
  ['dark', { width: 390, height: 844 }],
] as const) {
  test(`every page opens, fits and is accessible: ${theme}, ${viewport.width} px`, async ({ browser, world }) => {
    test.setTimeout(240_000)
    await world.sim.script({ platform: 'anthropic', key: 'sim-anthropic-key-1', fault: { kind: 'http', status: 500, body: { type: 'error', error: { type: 'api_error', message: 'W'.repeat(3_000) } } } })
    await world.request()
    await world.sim.script({ platform: 'anthropic', fault: { kind: 'http', status: 400, body: { type: 'error', error: { type: 'invalid_request_error', message: 'no' } } } })
    await world.request()
    const { page, complaints, context } = await visitor(browser, world.url, { colorScheme: theme, viewport })
    await page.goto(`${world.url}/console/`)
    await page.locator('h1').waitFor()
    expect(await serious(page), 'sign-in').toEqual([])
    await page.getByRole('textbox', { name: 'Name' }).fill(ADMIN.name)
    await page.getByRole('textbox', { name: 'Password' }).fill(ADMIN.password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.locator('#content h1').waitFor()
    for (const path of PAGES) {
      await page.goto(`${world.url}/console/${path}`)
      await expect(page.locator('#content h1'), path).toBeVisible()
      await expect(page.getByRole('status', { name: 'Loading…' }), path).toHaveCount(0)
      await expect(page.getByText('This could not be loaded.'), path).toHaveCount(0)
      expect(await wider(page), `${path} is wider than the screen`).toBe(0)
      expect(await serious(page), path).toEqual([])
    }
    expect(complaints).toEqual([])
    await context.close()
  })
}

const FORMS = [
  ['accounts', 'New account'], ['groups', 'New group'], ['keys', 'New key'], ['users', 'New user'], ['alerts?tab=rules', 'New rule'], ['alerts?tab=silences', 'New silence'],
  ['objectives', 'New objective'], ['notifications', 'New channel'], ['reports', 'New report'], ['rules', 'Add a rule'], ['people', 'New admin user'],
] as const

test('every form opens, fits and is accessible on a phone', async ({ browser, world }) => {
  test.setTimeout(180_000)
  const { page, complaints, context } = await visitor(browser, world.url, { viewport: { width: 390, height: 844 }, hasTouch: true })
  await signIn(page, world.url, ADMIN)
  for (const [path, name] of FORMS) {
    await page.goto(`${world.url}/console/${path}`)
    await button(page, name).first().click()
    await expect(dialog(page, /./), name).toBeVisible()
    expect(await wider(page), `${name} is wider than the screen`).toBe(0)
    expect(await serious(page), name).toEqual([])
  }
  expect(complaints).toEqual([])
  await context.close()
})

test('on a gateway that has seen nothing every list says what to do', async ({ page, world }) => {
  test.setTimeout(180_000)
  for (const path of PAGES) {
    await page.goto(`${world.url}/console/${path}`)
    await expect(page.locator('#content h1'), path).toBeVisible()
    await expect(page.getByText('This could not be loaded.'), path).toHaveCount(0)
  }
})

test('it speaks Chinese', async ({ browser, world }) => {
  const { page, context } = await visitor(browser, world.url, { locale: 'zh-CN' })
  await page.goto(`${world.url}/console/`)
  await page.getByRole('textbox', { name: '名称' }).fill(ADMIN.name)
  await page.getByRole('textbox', { name: '密码' }).fill(ADMIN.password)
  await page.getByRole('button', { name: '登录' }).click()
  await expect(page.getByRole('link', { name: '总览' })).toBeVisible()
  await context.close()
})
