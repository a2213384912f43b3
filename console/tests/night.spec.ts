/** The night shift: from the overview to the provider's own words, to a request that succeeds when it is sent again. */
import { expect, test } from './world'

const WORDS = 'Overloaded <script>document.title="owned"</script> مثقل بالحمل'

test('from the overview two clicks lead to the provider’s words, and what failed succeeds once the provider is well', async ({ page, world }) => {
  await world.sim.script({ platform: 'anthropic', fault: refusal(WORDS) })
  expect(await world.request()).toBe(529)
  await page.reload()

  // One: the overview says what is broken, and leads to it. Two: the failure.
  await page.getByRole('link', { name: 'The provider’s words' }).first().click()
  const said = page.getByText(WORDS).first()
  await expect(said).toBeVisible()
  await expect(page).toHaveURL(/\/console\/errors\/\d+/)
  await expect(page).not.toHaveTitle('owned')
  await expect(page.getByText('Provider').first()).toBeVisible()
  // Where the time went: both accounts were asked.
  await expect(page.getByText('anthropic-1').first()).toBeVisible()
  await expect(page.getByText('anthropic-2').first()).toBeVisible()

  await world.sim.heal()
  await resetAccounts(world)
  await page.getByRole('button', { name: 'Send', exact: true }).click()
  await expect(page.getByText('Served').first()).toBeVisible()
  const { items } = (await world.ask('GET', 'ops/errors?view=all&resolved=true&time_range=1h').then((list) => ({ items: (list as { errors: unknown[] }).errors }))) as { items: unknown[] }
  expect(items).toHaveLength(1)
})

test('a success that failover covered is among the upstream errors, marked as hidden', async ({ page, world }) => {
  await world.sim.script({ key: 'sim-anthropic-key-1', fault: refusal('the first is tired') })
  expect(await world.request()).toBe(200)
  await page.getByRole('link', { name: 'Upstream errors', exact: true }).click()
  const row = page.getByRole('row').filter({ hasText: 'the first is tired' })
  await expect(row).toBeVisible()
  await row.click()
  await expect(page.getByText('the first is tired').first()).toBeVisible()
})

function refusal(message: string) {
  return { kind: 'http', status: 529, body: { type: 'error', error: { type: 'overloaded_error', message } } }
}

async function resetAccounts(world: { ask: (method: string, path: string, body?: unknown) => Promise<unknown> }) {
  const { items } = (await world.ask('GET', 'accounts')) as { items: { id: number }[] }
  for (const { id } of items) await world.ask('POST', `accounts/${id}/reset`, {})
}
