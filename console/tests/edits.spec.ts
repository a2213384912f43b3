/** Several people change the same things, and nobody's work is lost unseen: neither the others' nor one's own. */
import { button, dialog, expectOff, field, send, turn } from './forms'
import { expect, test, visitor, type World } from './world'

const SLOW = { name: 'Slow', metric: 'latency_p95', operator: '>', threshold: 5, window_minutes: 5, sustained_minutes: 0, cooldown_minutes: 0, severity: 'P2', filter: {}, channels: [] }

interface Stored {
  id: number
  threshold: number
  enabled: boolean
}

async function rule(world: World, id: number): Promise<Stored> {
  return (await world.ask('GET', `ops/alert-rules/${id}`)) as Stored
}

test('a rule that somebody else changed is not written over by a switch or a form', async ({ page, world }) => {
  const { id } = (await world.ask('POST', 'ops/alert-rules', SLOW)) as Stored
  await page.goto(`${world.url}/console/alerts?tab=rules`)
  const turned = page.getByRole('switch', { name: 'On: Slow' })
  await expect(turned).toBeChecked()
  await world.ask('PUT', `ops/alert-rules/${id}`, { ...SLOW, threshold: 12 })
  await turn(page, 'On: Slow')
  await expect(page.getByText('Somebody changed it meanwhile.', { exact: false })).toBeVisible()
  await expect(page.getByRole('row').filter({ hasText: 'Slow' })).toContainText('12 ms')
  expect(await rule(world, id)).toMatchObject({ threshold: 12, enabled: true })

  // What was seen may be changed.
  await turn(page, 'On: Slow')
  await expectOff(page, 'On: Slow')
  expect(await rule(world, id)).toMatchObject({ threshold: 12, enabled: false })

  await button(page, 'Slow').click()
  const form = dialog(page, 'Change the rule')
  await field(form, /^With/).fill('20')
  await world.ask('PUT', `ops/alert-rules/${id}`, { ...SLOW, threshold: 13 })
  await button(form, 'Save').click()
  await expect(page.getByText('outdated', { exact: true }).last()).toBeVisible()
  await expect(field(form, /^With/)).toHaveValue('20')
  expect(await rule(world, id)).toMatchObject({ threshold: 13 })
})

test('one escape closes one thing, and what was changed is asked about before it goes', async ({ page, world }) => {
  await page.goto(`${world.url}/console/groups`)
  await page.getByRole('row').filter({ hasText: 'anthropic' }).first().click()
  const form = dialog(page, 'anthropic')
  await button(form, 'Delete').click()
  const question = dialog(page, /^Delete/)
  await expect(question).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(question).toHaveCount(0)
  await expect(form).toBeVisible()

  // Nothing was changed: nothing is said to be done.
  await button(form, 'Save').click()
  await expect(page.getByText('Nothing was changed, so nothing was sent.')).toBeVisible()

  await form.getByRole('textbox', { name: 'Name' }).fill('claude')
  await page.mouse.click(300, 400)
  const unsaved = dialog(page, 'Discard what you changed?')
  await expect(unsaved).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(unsaved).toHaveCount(0)
  await expect(form.getByRole('textbox', { name: 'Name' })).toHaveValue('claude')
  await page.keyboard.press('Escape')
  await button(unsaved, 'Discard').click()
  await expect(form).toHaveCount(0)
})

test('rules that are edited are kept over their tabs, and asked about when the page is left', async ({ page, world }) => {
  await page.goto(`${world.url}/console/rules`)
  await button(page, 'Add a rule').click()
  const form = dialog(page, 'The rule')
  await field(form, 'Name').fill('Ours')
  await field(form, 'Text in the message').fill('boo')
  await field(form, 'Urgency').click()
  await page.getByRole('option', { name: 'P3' }).click()
  await send(form, 'Take it into the list')
  await expect(page.getByText('Changed, not applied yet.')).toBeVisible()
  await page.getByRole('tab', { name: 'Versions' }).click()
  await expect(page.getByText('There is no version yet.')).toBeVisible()
  await page.getByRole('tab', { name: 'Rules', exact: true }).click()
  await expect(page.getByText('Changed, not applied yet.')).toBeVisible()
  await expect(page.getByText('1. Ours')).toBeVisible()

  await page.getByRole('tab', { name: 'Versions' }).click()
  await page.getByRole('link', { name: 'Issues' }).click()
  const unsaved = dialog(page, 'Discard what you changed?')
  await button(unsaved, 'Go on editing').click()
  await expect(page).toHaveURL(/\/rules/)
  await page.getByRole('link', { name: 'Issues' }).click()
  await button(unsaved, 'Discard').click()
  await expect(page).toHaveURL(/\/issues/)
})

test('settings that somebody else saved do not take away what is being typed', async ({ page, world }) => {
  await page.goto(`${world.url}/console/settings`)
  const audit = page.getByRole('textbox', { name: 'Audit log' })
  await audit.fill('900')
  const { version } = (await world.ask('GET', 'ops/settings')) as { version: number }
  await world.ask('PATCH', 'ops/settings', { version, ignore: { invalid_api_keys: true } })
  await button(page, 'Save').click()
  const theirs = page.getByRole('alert').filter({ hasText: 'What you changed was made of what stood here before.' })
  await expect(theirs).toBeVisible()
  await expect(audit).toHaveValue(/900/)
  await button(theirs, 'Discard mine, and load theirs').click()
  await expect(theirs).toHaveCount(0)
  await expect(audit).not.toHaveValue(/900/)
  await expect(page.getByRole('switch', { name: 'Requests without a known API key' })).toBeChecked()
})

test('a silence of everything is asked about once more', async ({ page, world }) => {
  await page.goto(`${world.url}/console/alerts?tab=silences`)
  await button(page, 'New silence').click()
  const form = dialog(page, 'Silence')
  await button(form, 'Create').click()
  await expect(form.getByRole('alert')).toContainText('Silence everything?')
  expect(await world.ask('GET', 'ops/alert-silences')).toMatchObject({ items: [] })
  await send(form, 'Silence everything')
  expect(await world.ask('GET', 'ops/alert-silences')).toMatchObject({ items: [{ rule_id: null }] })
})

test('on a phone what was said comes first, and beside the menu every column fits', async ({ browser, page, world }) => {
  await world.sim.script({ platform: 'anthropic', fault: { kind: 'http', status: 400, body: { type: 'error', error: { type: 'invalid_request_error', message: 'the secret sauce is missing' } } } })
  await world.request()
  await world.sim.heal()
  await page.goto(`${world.url}/console/errors?view=all`)
  // Beside the menu every column fits.
  await expect(page.getByRole('row').filter({ hasText: 'secret sauce' })).toBeVisible()
  const frame = page.getByRole('grid')
  expect(await frame.evaluate((list) => list.scrollWidth - list.clientWidth)).toBe(0)

  const phone = await visitor(browser, world.url, { viewport: { width: 390, height: 844 }, storageState: await page.context().storageState() })
  await phone.page.goto(`${world.url}/console/errors?view=all`)
  const said = phone.page.getByRole('row').filter({ hasText: 'secret sauce' }).locator('strong')
  const box = await said.boundingBox()
  expect(box && box.x >= 0 && box.x + Math.min(box.width, 300) <= 390).toBe(true)
  expect(await phone.page.getByRole('grid').evaluate((list) => list.scrollWidth - list.clientWidth)).toBe(0)
  await phone.context.close()
})
