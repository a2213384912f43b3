/** Somebody is woken, takes it up, and has peace: an alert fires, is told once, is silenced, and is told to be over. */
import { button, choose, chooseMore, dialog, expectOff, field, send, sure, turn } from './forms'
import { expect, startReceiver, test, type World } from './world'

const MINUTE_IS_OVER = { timeout: 100_000 }

test('an alert fires and is told once; while it is silenced nobody is told of anything; its end is told', async ({ page, world }) => {
  // Rules are judged once a minute: two minutes have to end.
  test.setTimeout(330_000)
  const receiver = await startReceiver()
  const channel = (await world.ask('POST', 'ops/notification-channels', { kind: 'webhook', name: 'night shift', url: receiver.url, min_severity: 'P3' })) as { id: number }
  await forgetRules(world)
  await world.sim.script({ platform: 'anthropic', fault: { kind: 'http', status: 500, body: { type: 'error', error: { type: 'api_error', message: 'the disk is full' } } } })
  expect(await world.request()).toBeGreaterThanOrEqual(500)

  await page.goto(`${world.url}/console/alerts?tab=rules`)
  await expect(page.getByText('There is no rule: nobody is told of anything.')).toBeVisible()
  await button(page, 'New rule').click()
  const form = dialog(page, 'New rule')
  await choose(form, 'What it looks at', 'Failed requests')
  await field(form, /^With/).fill('1')
  await field(form, 'Over so many minutes').fill('30')
  await field(form, 'Name').fill('Claude fails')
  await choose(form, 'Severity', 'P1')
  await choose(form, 'Group', /^anthropic/)
  await chooseMore(form, 'Channels that are told', /^night shift/)
  await field(form, 'Why it is there, and what to do').fill('Look at the disk.')
  await button(form, 'Try').click()
  await expect(form.getByRole('status')).toContainText(/It would (not )?have fired/)
  await expect(form.getByRole('img', { name: /It would .* judged/ })).toBeVisible()
  await send(form, 'Create')
  const { items: rules } = (await world.ask('GET', 'ops/alert-rules')) as { items: { id: number }[] }
  expect(rules).toMatchObject([{ name: 'Claude fails', metric: 'failures', operator: '>=', threshold: 1, window_minutes: 30, severity: 'P1', filter: { group_id: expect.any(Number) }, channels: [channel.id], note: 'Look at the disk.' }])

  // It fires by itself, on the page that is open.
  await page.getByRole('tab', { name: 'Firing now' }).click()
  const event = page.getByRole('article').filter({ hasText: 'Claude fails' })
  await expect(event).toBeVisible(MINUTE_IS_OVER)
  await expect.poll(() => receiver.heard).toMatchObject([{ kind: 'alert_fired', rule: 'Claude fails', severity: 'P1' }])
  await expect(event).not.toContainText('Nobody was told')
  await button(event, 'I am on it').click()
  await expect(event).toContainText('by ada')
  await expect(button(event, 'I am on it')).toHaveCount(0)

  // It is silenced, with all that is of its platform.
  await page.getByRole('tab', { name: 'Silences' }).click()
  await button(page, 'New silence').click()
  const silence = dialog(page, 'Silence')
  await choose(silence, 'Platform', 'anthropic')
  await silence.getByLabel('Until').fill('2099-01-02T03:04')
  await field(silence, 'Why').fill('The disk is on its way')
  await send(silence, 'Create')
  await expect(page.getByRole('row').filter({ hasText: 'The disk is on its way' })).toContainText('In force')
  const { items: silences } = (await world.ask('GET', 'ops/alert-silences')) as { items: unknown[] }
  expect(silences).toMatchObject([{ platform: 'anthropic', until: '2099-01-02T02:04:00.000Z', note: 'The disk is on its way' }])
  await page.getByRole('tab', { name: 'Firing now' }).click()
  await expect(event).toContainText('Silenced until')

  // What begins under it is on record, and nobody is told.
  const quiet = (await world.ask('POST', 'ops/alert-rules', { name: 'Claude is asked', metric: 'requests', operator: '>=', threshold: 1, window_minutes: 30, severity: 'P2', filter: { platform: 'anthropic' } })) as { id: number }
  const other = page.getByRole('article').filter({ hasText: 'Claude is asked' })
  await expect(other).toContainText('Nobody was told', MINUTE_IS_OVER)
  await expect(other).toContainText('Silenced until')
  await page.getByRole('link', { name: 'Overview' }).click()
  await expect(page.getByText('alert “Claude fails” firing', { exact: false })).toBeVisible()
  const firing = page.getByRole('region', { name: 'Firing alerts' })
  await firing.scrollIntoViewIfNeeded()
  const lines = firing.getByRole('listitem')
  await expect(lines.filter({ hasText: 'Look at the disk.' })).toContainText(/taken up by ada.*silenced until/)
  await expect(lines.filter({ hasText: 'nobody was told' })).toHaveCount(1)
  await page.getByRole('link', { name: 'Notifications' }).click()
  await page.getByRole('tab', { name: 'Delivery log' }).click()
  const log = page.getByRole('grid', { name: 'Delivery log' }).getByRole('row')
  await expect(log.filter({ hasText: 'An alert begins' })).toHaveCount(1)
  await expect(log.filter({ hasText: 'An alert begins' })).toContainText(/Sent.*night shift/)
  expect(receiver.heard).toHaveLength(1)

  // The silent one ends without a word, whoever was told hears that it is over.
  await world.ask('DELETE', `ops/alert-rules/${quiet.id}`)
  await page.goto(`${world.url}/console/alerts?tab=silences`)
  await button(page, 'End now').click()
  await sure(page, 'Are you sure?', 'End now')
  await expect(page.getByText('Nothing is silenced.')).toBeVisible()
  await page.getByRole('tab', { name: 'Firing now' }).click()
  await expect(event).toBeVisible()
  await expect(event).not.toContainText('Silenced until')
  await button(event, 'End it').click()
  await sure(page, 'Are you sure?', 'End it')
  await expect(page.getByText('Nothing is firing.')).toBeVisible()
  await expect.poll(() => receiver.heard.map(({ kind, rule }) => [kind, rule])).toEqual([
    ['alert_fired', 'Claude fails'],
    ['alert_resolved', 'Claude fails'],
  ])
  await page.getByRole('tab', { name: 'History' }).click()
  await page.getByRole('row').filter({ hasText: 'Claude fails' }).click()
  const over = dialog(page, /^Event/)
  await expect(over).toContainText('Ended by hand')
  await expect(over.getByRole('row')).toHaveCount(2)
  receiver.close()
})

test('a rule and a silence are made, changed and removed', async ({ page, world }) => {
  await forgetRules(world)
  await page.goto(`${world.url}/console/alerts?tab=rules`)
  await button(page, 'New rule').click()
  const form = dialog(page, 'New rule')
  await field(form, 'Name').fill('Slow')
  await choose(form, 'What it looks at', 'Latency p95')
  await choose(form, 'Compared', '>')
  await field(form, /^With/).fill('2500')
  await field(form, 'Over so many minutes').fill('20000')
  await field(form, 'At least so many requests').fill('20')
  await choose(form, 'Where there is no value', 'All is well')
  await field(form, 'Model').fill('claude-sonnet-4-5')
  await button(form, 'Create').click()
  // The API objects at the field, and the form holds what was typed.
  await expect(field(form, 'Over so many minutes')).toHaveAttribute('aria-invalid', 'true')
  await field(form, 'Over so many minutes').fill('15')
  await field(form, 'Broken for so many minutes before it is told').fill('2')
  await field(form, 'Quiet for so many minutes after its end').fill('0')
  await send(form, 'Create')
  await page.reload()
  await expect(page.getByRole('row').filter({ hasText: 'Slow' })).toContainText(/Latency p95 > 2.5.*15 min, for 2 min/)
  const typed = { name: 'Slow', metric: 'latency_p95', operator: '>', threshold: 2500, window_minutes: 15, sustained_minutes: 2, cooldown_minutes: 0, min_requests: 20, missing: 'ok', severity: 'P2', filter: { model: 'claude-sonnet-4-5' }, channels: [], enabled: true }
  expect(await rules(world)).toMatchObject([typed])
  await button(page, 'Slow').click()
  const change = dialog(page, 'Change the rule')
  await field(change, 'Name').fill('Slower')
  await field(change, 'Model').fill('')
  await choose(change, 'Platform', 'anthropic')
  await field(change, /^With/).fill('3000')
  await send(change, 'Save')
  await turn(page, 'On: Slower')
  await expectOff(page, 'On: Slower')
  const [rule] = await rules(world)
  expect(rule).toMatchObject({ ...typed, name: 'Slower', threshold: 3000, filter: { platform: 'anthropic' }, enabled: false })
  expect(rule?.filter.model ?? null).toBeNull()

  await page.getByRole('tab', { name: 'Silences' }).click()
  await button(page, 'New silence').click()
  const silence = dialog(page, 'Silence')
  await silence.getByLabel('Until').fill('2001-01-02T03:04')
  await button(silence, 'Create').click()
  await button(silence, 'Silence everything').click()
  await expect(silence.getByLabel('Until')).toHaveAttribute('aria-invalid', 'true')
  await button(silence, '4 hours').click()
  await choose(silence, 'Rule', 'Slower')
  await choose(silence, 'Account', /^anthropic-2/)
  await send(silence, 'Create')
  await page.reload()
  const row = page.getByRole('row').filter({ hasText: 'Slower' })
  await expect(row).toContainText(/In force.*anthropic-2/)
  await button(row, 'Edit').click()
  await field(silence, 'Why').fill('It is known')
  await silence.getByLabel('Until').fill('2099-01-02T03:04')
  await send(silence, 'Save')
  await expect(row).toContainText('It is known')
  const { items } = (await world.ask('GET', 'ops/alert-silences')) as { items: unknown[] }
  expect(items).toMatchObject([{ rule_id: rule?.id, account_id: expect.any(Number), until: '2099-01-02T02:04:00.000Z', note: 'It is known' }])
  await button(row, 'End now').click()
  await sure(page, 'Are you sure?', 'End now')
  await expect(page.getByText('Nothing is silenced.')).toBeVisible()

  await page.getByRole('tab', { name: 'Rules' }).click()
  await button(page.getByRole('row').filter({ hasText: 'Slower' }), 'Delete').click()
  await sure(page, 'Are you sure?', 'Delete')
  await expect(page.getByText('There is no rule: nobody is told of anything.')).toBeVisible()
  expect(await rules(world)).toEqual([])
})

interface Rule {
  id: number
  filter: Record<string, unknown>
}

async function rules(world: World): Promise<Rule[]> {
  return ((await world.ask('GET', 'ops/alert-rules')) as { items: Rule[] }).items
}

/** Takes the rules of a new installation away, which are there once a minute was judged: what a story sees is its own. */
async function forgetRules(world: World): Promise<void> {
  await expect.poll(async () => (await rules(world)).length).toBeGreaterThan(0)
  for (const { id } of await rules(world)) await world.ask('DELETE', `ops/alert-rules/${id}`)
}
