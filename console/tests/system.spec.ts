/** What is chosen for the whole gateway: classification rules, settings and prices hold what was typed, and can be taken back. */
import { button, choose, dialog, empty, field, send, sure, turn } from './forms'
import { expect, test } from './world'

test('a classification rule is made, tried, applied, changed, taken away, and put back', async ({ page, world }) => {
  await world.sim.script({ platform: 'anthropic', fault: { kind: 'http', status: 400, body: { type: 'error', error: { type: 'invalid_request_error', message: 'the word of the day' } } } })
  await world.request()
  await page.goto(`${world.url}/console/rules`)
  await button(page, 'Add a rule').click()
  const form = dialog(page, 'The rule')
  await button(form, 'Take it into the list').click()
  await expect(field(form, 'Name')).toHaveAttribute('aria-invalid', 'true')
  await expect(form.getByRole('alert')).toHaveText(['A rule needs at least one condition.', 'A rule has to make something of what fits.'])
  await field(form, 'Name').fill('Ours')
  await field(form, 'Text in the message').fill('word of the day')
  await field(form, 'Any of these statuses from the provider').fill('400')
  await field(form, 'Any of these statuses from the provider').press('Enter')
  await choose(form, 'Platform', 'anthropic')
  await choose(form, 'Whose fault', 'Gateway')
  await choose(form, 'Urgency', 'P1')
  await choose(form, 'Counts against the service', 'yes')
  await send(form, 'Take it into the list')
  const rule = page.getByRole('article').filter({ hasText: '1. Ours' })
  await expect(rule).toContainText('Text in the message word of the day')

  await button(page, 'Try').click()
  const tried = page.getByRole('region', { name: 'What would change' })
  await expect(tried.getByRole('row').filter({ hasText: 'Ours' })).toContainText(/Ours\s*1\s*1/)
  await button(page, 'Apply…').click()
  await field(dialog(page, 'Apply these rules'), /^Why/).fill('first')
  await send(dialog(page, 'Apply these rules'), 'Apply')
  await expect(page.getByText('Version 1 is in force').first()).toBeVisible()
  await page.reload()
  await expect(rule).toBeVisible()
  const typed = { name: 'Ours', when: { message_contains: 'word of the day', upstream_status_codes: [400], platform: 'anthropic' }, then: { error_owner: 'platform', severity: 'P1', counts: true } }
  expect(await world.ask('GET', 'ops/classification-rules')).toMatchObject({ version: 1, note: 'first', rules: [typed] })

  await button(rule, 'Edit').click()
  await choose(form, 'Urgency', 'P3')
  await empty(form, 'Any of these statuses from the provider', 1)
  await send(form, 'Take it into the list')
  await expect(rule).toContainText('Urgency P3')
  await button(page, 'Apply…').click()
  await send(dialog(page, 'Apply these rules'), 'Apply')
  await expect(page.getByText('Version 2 is in force').first()).toBeVisible()
  await button(rule, 'Remove').click()
  await expect(rule).toHaveCount(0)
  await button(page, 'Apply…').click()
  await send(dialog(page, 'Apply these rules'), 'Apply')
  await expect(page.getByText('Version 3 is in force').first()).toBeVisible()

  await page.getByRole('tab', { name: 'Versions' }).click()
  const first = page.getByRole('row').filter({ hasText: 'first' })
  await button(first, 'Put back').click()
  await sure(page, 'Are you sure?', 'Put back')
  await expect(page.getByText('Version 4 is in force').first()).toBeVisible()
  expect(await world.ask('GET', 'ops/classification-rules')).toMatchObject({ version: 4, rules: [typed] })
  await page.getByRole('tab', { name: 'Rules' }).click()
  await expect(rule).toContainText('Urgency P1')
})

test('settings hold what was chosen, and go back to what they are without a choice', async ({ page, world }) => {
  await page.goto(`${world.url}/console/settings`)
  const monitoring = page.getByRole('switch', { name: 'Judge alert rules and objectives' })
  await expect(monitoring).toBeChecked()
  await turn(page, 'Judge alert rules and objectives')
  await field(page, 'Service level, at least').fill('99.7')
  await page.getByRole('checkbox', { name: 'none' }).nth(1).click()
  await turn(page, 'Requests whose client went away')
  await field(page, 'Audit log').fill('3650')
  await button(page, 'Save').click()
  await expect(page.getByText('Changed last by ada')).toBeVisible()
  await page.reload()
  await expect(monitoring).not.toBeChecked()
  await expect(field(page, 'Service level, at least')).toHaveValue('99.7 %')
  await expect(field(page, 'Audit log')).toHaveValue('3650 days')
  const chosen = (await world.ask('GET', 'ops/settings')) as Record<string, Record<string, { set?: unknown; in_force: unknown; default: unknown }>>
  expect(chosen).toMatchObject({
    monitoring: { enabled: { set: false, in_force: false } },
    thresholds: { sla_percent_min: { set: 99.7 }, ttft_p99_ms_max: { set: 'off' } },
    retention: { audit_days: { set: 3650 } },
  })
  expect(chosen.ignore?.client_cancellations?.set).toBe(!chosen.ignore?.client_cancellations?.default)

  // Less than before is asked about first.
  await field(page, 'Audit log').fill('30')
  await button(page, 'Save').click()
  const shorter = dialog(page, 'Keep it for less long?')
  await expect(shorter).toContainText('Audit log: 30 days instead of 3650')
  await send(shorter, 'Shorten')
  await expect.poll(async () => await world.ask('GET', 'ops/settings')).toMatchObject({ retention: { audit_days: { set: 30, in_force: 30 } } })

  await expect(field(page, 'Audit log')).toHaveValue('30 days')
  await field(page, 'Audit log').fill('')
  const back = page.getByRole('button', { name: /^Back to the default/ })
  for (let left = await back.count(); left > 0; left -= 1) await back.first().click()
  await expect(back).toHaveCount(0)
  await button(page, 'Save').click()
  await expect
    .poll(async () => {
      const { monitoring, thresholds, ignore, retention } = (await world.ask('GET', 'ops/settings')) as typeof chosen
      return [monitoring, thresholds, ignore, retention].flatMap((part) => Object.values(part ?? {}).map((one) => one?.set ?? null)).filter((set) => set !== null)
    })
    .toEqual([])
  await expect(monitoring).toBeChecked()
})

test('prices are written, read again and removed', async ({ page, world }) => {
  await page.goto(`${world.url}/console/settings`)
  const { prices: before } = (await world.ask('GET', 'prices')) as { prices: unknown[] }
  await button(page, 'Add a price').click()
  const at = before.length + 1
  await button(page, 'Save prices').click()
  await expect(field(page, `Model ${at}`)).toHaveAttribute('aria-invalid', 'true')
  await field(page, `Model ${at}`).fill('house-model*')
  await field(page, 'Prompt, house-model*').fill('1.25')
  await field(page, 'Answer, house-model*').fill('10')
  await field(page, 'Cache read, house-model*').fill('0.125')
  await button(page, 'Save prices').click()
  await expect.poll(async () => ((await world.ask('GET', 'prices')) as { prices: unknown[] }).prices).toHaveLength(at)
  expect(((await world.ask('GET', 'prices')) as { prices: unknown[] }).prices).toContainEqual({ model: 'house-model*', input: 1.25, output: 10, cache_read: 0.125, cache_write: null })
  await page.reload()
  await expect(field(page, 'Prompt, house-model*')).toHaveValue('$1.25')
  await button(page, 'Delete house-model*').click()
  await button(page, 'Save prices').click()
  await expect.poll(async () => ((await world.ask('GET', 'prices')) as { prices: unknown[] }).prices).toEqual(before)
})
