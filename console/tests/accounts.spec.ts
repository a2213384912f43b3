/** An account from its first form to its last switch: what is wrong stands at its field, a secret is never seen again. */
import { button, choose, chooseMore, dialog, empty, expectFault, field, send, sure } from './forms'
import { expect, test, type World } from './world'

const FIRST = 'the-first-secret-0123456789'
const SECOND = 'the-second-secret-0123456789'
const WORDS = 'This key was switched off <b>by its owner</b>'

test('an account is made, asked, changed, switched off and on, and its secret is never shown', async ({ page, world }) => {
  await page.goto(`${world.url}/console/accounts`)
  await button(page, 'New account').click()
  const form = dialog(page, 'New account')
  await field(form, 'Name').fill('spare')
  await button(form, 'Save').click()
  await expectFault(form, 'API key', 'This is needed.')
  await field(form, 'API key').fill(FIRST)
  await field(form, 'Priority').fill('7')
  await button(form, 'Address, proxy, protocol').click()
  await field(form, 'Address').fill('ftp://nowhere')
  await button(form, 'Save').click()
  // The API objects, and nothing that was typed is lost.
  await expectFault(form, 'Address', /http/)
  await expect(field(form, 'Name')).toHaveValue('spare')
  await expect(field(form, 'API key')).toHaveValue(FIRST)
  await field(form, 'Address').fill(world.sim.url)
  await send(form, 'Save')
  await expect(page).toHaveURL(/\/accounts\/\d+/)
  const id = Number(/accounts\/(\d+)/.exec(page.url())?.[1])
  await expect(page.getByRole('heading', { level: 1, name: 'spare' })).toBeVisible()
  expect(await world.ask('GET', `accounts/${id}`)).toMatchObject({ name: 'spare', base_url: world.sim.url, priority: 7, status: 'active' })

  // It serves; then its provider has another opinion of it, and says so; then it serves again.
  await button(page, 'Test').click()
  const asking = dialog(page, 'Test spare')
  await button(asking, 'Ask it now').click()
  await expect(asking.getByRole('status')).toContainText(/It serves.*Took [\d.,]+ ?m?s/s)
  expect(await heard(world, FIRST)).toBe(1)
  await world.sim.script({ key: FIRST, fault: { kind: 'http', status: 403, body: { type: 'error', error: { type: 'permission_error', message: WORDS } } } })
  await button(asking, 'Ask it now').click()
  const said = asking.getByRole('status').filter({ hasText: 'It does not serve' })
  await expect(said).toContainText(WORDS)
  await expect(said).toContainText('403')
  await world.sim.heal()
  await button(asking, 'Ask it now').click()
  await expect(asking.getByRole('status').filter({ hasText: 'It serves' })).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(asking).toHaveCount(0)

  // A change that leaves the secret alone keeps it.
  await button(page, 'Edit').click()
  const change = dialog(page, 'Edit spare')
  await expect(change).toContainText('API key is set. It is never shown.')
  await field(change, 'Name').fill('spare wheel')
  await field(change, 'Priority').fill('9')
  await send(change, 'Save')
  await expect(page.getByRole('heading', { level: 1, name: 'spare wheel' })).toBeVisible()
  expect(await world.ask('GET', `accounts/${id}`)).toMatchObject({ name: 'spare wheel', priority: 9, base_url: world.sim.url })
  await ask('spare wheel')
  expect(await heard(world, FIRST)).toBe(4)

  // A new secret takes its place; an empty one does not.
  await button(page, 'Edit').click()
  const replace = dialog(page, 'Edit spare wheel')
  await button(replace, 'Replace').click()
  await expect(field(replace, 'API key')).toHaveValue('')
  await button(replace, 'Save').click()
  await expectFault(replace, 'API key', 'This is needed.')
  await field(replace, 'API key').fill(SECOND)
  await send(replace, 'Save')
  await ask('spare wheel')
  expect(await heard(world, SECOND)).toBe(1)
  expect(await heard(world, FIRST)).toBe(4)
  const stored = JSON.stringify(await world.ask('GET', `accounts/${id}`))
  for (const secret of [FIRST, SECOND]) {
    expect(stored).not.toContain(secret)
    expect(await page.content()).not.toContain(secret)
  }

  // Off and on, with a reason that stands in its history.
  await button(page, 'Disable').click()
  await field(dialog(page, 'Disable spare wheel?'), 'Reason').fill('The bill is not paid')
  await sure(page, 'Disable spare wheel?', 'Disable')
  const history = page.getByRole('grid', { name: 'History of its state' })
  await expect(history.getByRole('row').filter({ hasText: 'Disabled' })).toContainText(/ada.*The bill is not paid/)
  const standing = page.getByRole('alert').filter({ hasText: 'no end by itself' })
  await expect(standing).toContainText('The bill is not paid')
  await expect(page.getByText('It is coming back', { exact: false })).toHaveCount(0)
  await button(page, 'Enable').click()
  await sure(page, 'Enable spare wheel?', 'Enable')
  await expect(history.getByRole('row').filter({ hasText: 'Enabled' })).toContainText('ada')
  await expect(page.getByText('Nothing keeps it from serving.')).toBeVisible()
  await page.reload()
  await expect(history.getByRole('row').filter({ hasText: 'The bill is not paid' })).toBeVisible()
  await expect(history.getByRole('row').filter({ hasText: WORDS })).toBeVisible()

  await button(page, 'Delete').click()
  await sure(page, 'Delete spare wheel?', 'Delete')
  await expect(page).toHaveURL(/\/accounts$/)
  await expect(page.getByRole('row').filter({ hasText: 'anthropic-1' })).toBeVisible()
  await expect(page.getByRole('row').filter({ hasText: 'spare wheel' })).toHaveCount(0)

  async function ask(name: string) {
    await button(page, 'Test').click()
    const asking = dialog(page, `Test ${name}`)
    await button(asking, 'Ask it now').click()
    await expect(asking.getByRole('status')).toContainText('It serves')
    await page.keyboard.press('Escape')
    await expect(asking).toHaveCount(0)
  }
})

test('what is emptied is empty: an account speaks what its platform speaks, and a group serves whom its platform serves', async ({ page, world }) => {
  const account = (await world.ask('POST', 'accounts', { name: 'narrow', platform: 'openai', base_url: world.sim.url, apis: ['responses'], concurrency: 3, models: ['gpt-*'], groups: ['openai'], headers: { 'x-team': 'blue', 'x-house': 'red' }, credential: { api_key: FIRST } })) as { id: number }
  const group = (await world.ask('POST', 'groups', { name: 'bridge', platform: 'openai', protocols: ['openai', 'anthropic'], model_mapping: [{ from: 'a', to: 'b' }] })) as { id: number }

  await page.goto(`${world.url}/console/accounts/${account.id}?open=edit`)
  const form = dialog(page, 'Edit narrow')
  await empty(form, 'Groups', 1)
  await empty(form, 'Models', 1)
  await field(form, 'Requests at once').fill('')
  await button(form, 'Address, proxy, protocol').click()
  await empty(form, 'APIs that it speaks', 1)
  await send(form, 'Save')
  const open = (await world.ask('GET', `accounts/${account.id}`)) as Record<string, unknown>
  expect(open).toMatchObject({ apis: ['chat_completions', 'responses'], models: [], groups: [], base_url: world.sim.url })
  expect(open.concurrency ?? null).toBeNull()
  await expect(page.getByRole('row', { name: /^APIs that it speaks/ })).toContainText('chat_completions, responses')

  await button(page, 'Edit').click()
  await button(form, 'Address, proxy, protocol').click()
  await field(form, 'Address').fill('')
  await button(form, 'Headers').click()
  await form.getByRole('radio', { name: 'Replace' }).press('Space')
  await field(form, 'Value 1').fill('green')
  await button(form, 'Save').click()
  // All are replaced: the other one would be sent along empty.
  await expectFault(form, 'Value 2', 'This is needed.')
  await button(form, 'Delete').nth(1).click()
  await send(form, 'Save')
  const named = (await world.ask('GET', `accounts/${account.id}`)) as { headers: string[] }
  expect(named).toMatchObject({ base_url: 'https://api.openai.com' })
  expect(named.headers).toHaveLength(1)
  await button(page, 'Edit').click()
  await button(form, 'Headers').click()
  await form.getByRole('radio', { name: 'Remove' }).press('Space')
  await send(form, 'Save')
  expect(await world.ask('GET', `accounts/${account.id}`)).toMatchObject({ headers: [] })

  await page.goto(`${world.url}/console/groups?open=${group.id}`)
  const one = dialog(page, 'bridge')
  await empty(one, 'Serves clients of', 2)
  await button(one, 'Delete').first().click()
  await send(one, 'Save')
  expect(await world.ask('GET', `groups/${group.id}`)).toMatchObject({ protocols: ['openai'], model_mapping: [] })
  await expect(page.getByRole('row').filter({ hasText: 'bridge' })).toContainText('openai')
})

test('a group and a key are made, changed and removed', async ({ page, world }) => {
  await page.goto(`${world.url}/console/groups`)
  await button(page, 'New group').click()
  const form = dialog(page, 'New group')
  await field(form, 'Name').fill('night')
  await choose(form, 'Conversations', 'Spread')
  await send(form, 'Save')
  await page.reload()
  await page.getByRole('row').filter({ hasText: 'night' }).click()
  await field(dialog(page, 'night'), 'Name').fill('late')
  await send(dialog(page, 'night'), 'Save')
  const { items: groups } = (await world.ask('GET', 'groups')) as { items: { id: number; name: string }[] }
  expect(groups.find(({ name }) => name === 'late')).toMatchObject({ platform: 'anthropic', protocols: ['anthropic'], sticky: 'off' })

  await page.goto(`${world.url}/console/keys`)
  await button(page, 'New key').click()
  const key = dialog(page, 'New key')
  await field(key, 'Name').fill('their key')
  await chooseMore(key, 'Groups', 'late')
  await key.getByLabel('Expires').fill('2099-01-02T03:04')
  await field(key, 'Requests per minute').fill('5')
  await button(key, 'Save').click()
  const made = dialog(page, 'Key their key')
  const secret = (await made.locator('[data-secret]').textContent()) ?? ''
  expect(secret).toMatch(/^\S{20,}$/)
  await send(made, 'I have kept it')
  await page.reload()
  await page.getByRole('row').filter({ hasText: 'their key' }).click()
  const again = dialog(page, 'their key')
  await expect(again.getByLabel('Expires')).toHaveValue('2099-01-02T03:04')
  await again.getByLabel('Expires').fill('')
  await field(again, 'Requests per minute').fill('')
  await send(again, 'Save')
  expect(await page.content()).not.toContain(secret)
  const { items: keys } = (await world.ask('GET', 'api-keys')) as { items: { name: string }[] }
  const kept = keys.find(({ name }) => name === 'their key') as Record<string, unknown> | undefined
  expect(kept).toMatchObject({ groups: ['late'], status: 'active' })
  expect(kept?.expires_at ?? null).toBeNull()

  await page.getByRole('row').filter({ hasText: 'their key' }).click()
  await button(dialog(page, /^their key/), 'Delete').click()
  await sure(page, 'Delete their key?', 'Delete')
  await expect(page.getByRole('row').filter({ hasText: 'their key' })).toHaveCount(0)
  await page.goto(`${world.url}/console/groups`)
  await page.getByRole('row').filter({ hasText: 'late' }).click()
  await button(dialog(page, /^late/), 'Delete').click()
  await sure(page, 'Delete late?', 'Delete')
  await expect(page.getByRole('row').filter({ hasText: 'late' })).toHaveCount(0)
})

/** How many requests with a credential have reached the simulated provider. */
async function heard(world: World, key: string): Promise<number> {
  const { keys } = (await (await fetch(`${world.sim.url}/_sim/counters`)).json()) as { keys: Record<string, { requests: number }> }
  return keys[key]?.requests ?? 0
}
