/** Lists: filters are in the address, live rows come by themselves, the keyboard does what the mouse does. */
import { expect, test } from './world'

const refused = { kind: 'http', status: 400, body: { type: 'error', error: { type: 'invalid_request_error', message: 'messages: at least one is needed' } } }

test('filters are in the address, survive a reload, and go when their chip goes', async ({ page, world }) => {
  await world.sim.script({ platform: 'anthropic', fault: refused })
  await world.request()
  await page.goto(`${world.url}/console/errors?view=all&cause=invalid_request`)
  const rows = page.getByRole('row').filter({ hasText: 'at least one is needed' })
  await expect(rows).toHaveCount(1)
  await page.reload()
  await expect(rows).toHaveCount(1)
  await page.goto(`${world.url}/console/errors?view=all&cause=overloaded`)
  await expect(page.getByText('No request failed here in this time', { exact: false })).toBeVisible()
  await page.getByRole('button', { name: /Remove the filter Cause/ }).click()
  await expect(page).not.toHaveURL(/cause=/)
  await expect(rows).toHaveCount(1)
  // The same words are the API's.
  const { errors } = (await world.ask('GET', 'ops/errors?view=all&cause=invalid_request&time_range=1h')) as { errors: unknown[] }
  expect(errors).toHaveLength(1)
})

test('live rows come by themselves, and wait while it is paused', async ({ page, world }) => {
  await page.goto(`${world.url}/console/errors?view=all`)
  await page.getByRole('button', { name: 'Live', exact: true }).click()
  await world.sim.script({ platform: 'anthropic', fault: refused })
  const rows = page.getByRole('row').filter({ hasText: 'at least one is needed' })
  await expect(page.getByRole('button', { name: 'Pause' })).toBeVisible()
  await world.request()
  await expect(rows).toHaveCount(1)
  await page.getByRole('button', { name: 'Pause' }).click()
  await world.request()
  await expect(page.getByRole('button', { name: /Resume \(1 new\)/ })).toBeVisible()
  await expect(rows).toHaveCount(1)
  await page.getByRole('button', { name: /Resume/ }).click()
  await expect(rows).toHaveCount(2)
})

test('the keyboard moves, opens and comes back', async ({ page, world }) => {
  await world.sim.script({ platform: 'anthropic', fault: refused })
  await world.request()
  await world.request()
  await page.goto(`${world.url}/console/errors?view=all`)
  const rows = page.getByRole('row').filter({ hasText: 'at least one is needed' })
  await expect(rows).toHaveCount(2)
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  await expect(rows.nth(1)).toHaveAttribute('aria-selected', 'true')
  await page.keyboard.press('k')
  await expect(rows.nth(0)).toHaveAttribute('aria-selected', 'true')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/\/errors\/\d+/)
  await page.goBack()
  await page.keyboard.press('?')
  await expect(page.getByRole('dialog')).toBeVisible()
})
