/** Fields that narrow lists keep what is typed; lists that cannot go on stand still; a brush survives what comes meanwhile. */
import type { Page } from '@playwright/test'
import { expect, test, type World } from './world'

const refused = { kind: 'http', status: 400, body: { type: 'error', error: { type: 'invalid_request_error', message: 'messages: at least one is needed' } } }

/** Types as somebody with an input method does: letters are composed, and become other ones. */
async function compose(page: Page, letters: string, word: string): Promise<void> {
  const devtools = await page.context().newCDPSession(page)
  for (let end = 1; end <= letters.length; end++) {
    await devtools.send('Input.imeSetComposition', { text: letters.slice(0, end), selectionStart: end, selectionEnd: end })
    // Somebody thinks about it for longer than a field waits.
    if (end === 2) await page.clock.fastForward(2_000)
  }
  await devtools.send('Input.insertText', { text: word })
  await devtools.detach()
}

for (const [path, name] of [['accounts', /Name/], ['groups', 'Name'], ['keys', 'Name'], ['users', 'Name'], ['people', 'Name']] as const) {
  test(`what is composed from several keys narrows ${path}`, async ({ page, world }) => {
    await page.clock.install()
    await page.goto(`${world.url}/console/${path}`)
    const field = page.getByRole('main').getByRole('textbox', { name }).first()
    await field.click()
    await compose(page, 'nihao', '你好')
    await expect(field).toHaveValue('你好')
    await expect(page).toHaveURL(new RegExp(`q=${encodeURIComponent('你好')}`))
    await expect(field).toHaveValue('你好')
    // In the middle, too.
    await page.keyboard.press('Home')
    await page.keyboard.type('xyz', { delay: 30 })
    await expect(page).toHaveURL(/q=xyz/)
    await expect(field).toHaveValue('xyz你好')
  })
}

test('a space in the middle of a search waits for what follows it', async ({ page, world }) => {
  await page.goto(`${world.url}/console/errors`)
  const field = page.getByRole('searchbox')
  await field.click()
  await page.keyboard.type('rate ')
  await expect(page).toHaveURL(/q=rate$/)
  await page.keyboard.type('limit')
  await expect(page).toHaveURL(/q=rate(\+|%20)limit/)
  await expect(field).toHaveValue('rate limit')
  await page.goBack()
  await page.goto(`${world.url}/console/errors?q=other`)
  await expect(field).toHaveValue('other')
})

/** A row of the list, to make many of. */
async function sample(world: World): Promise<Record<string, unknown>> {
  await world.sim.script({ platform: 'anthropic', fault: refused })
  await world.request()
  const { errors } = (await world.ask('GET', 'ops/errors?view=all&time_range=1h')) as { errors: Record<string, unknown>[] }
  return errors[0] ?? {}
}

/** Up and down, again and again: whatever is asked for at the end of a list is asked for. */
async function toTheEnd(page: Page): Promise<void> {
  for (let turn = 0; turn < 10; turn++) {
    await page.locator('[data-list=errors]').evaluate(async (list) => {
      const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
      list.scrollTo(0, 0)
      await drawn()
      list.scrollTo(0, list.scrollHeight)
      await drawn()
    })
  }
}

test('a list whose next page fails asks no more until somebody says so', async ({ page, world }) => {
  const row = await sample(world)
  const rows = (from: number) => Array.from({ length: 200 }, (_, at) => ({ ...row, id: from - at }))
  let asked = 0
  let isWell = false
  await page.route(/ops\/errors\?/, (route) => {
    const isNext = route.request().url().includes('cursor=')
    if (isNext) asked += 1
    if (isNext && !isWell) return route.fulfill({ status: 500, contentType: 'application/problem+json', json: { code: 'internal_error', detail: 'the disk is gone', title: 'x', status: 500 } })
    return route.fulfill({ json: { errors: rows(isNext ? 9_800 : 10_000), next_cursor: isNext ? null : 'next', total: 400, total_is_estimate: false } })
  })
  await page.goto(`${world.url}/console/errors?view=all`)
  const list = page.locator('[data-list=errors]')
  await expect(list).toHaveAttribute('aria-rowcount', '200')
  await toTheEnd(page)
  const stopped = page.getByRole('alert').filter({ hasText: 'the disk is gone' })
  await expect(stopped).toBeVisible()
  await toTheEnd(page)
  expect(asked).toBe(1)
  isWell = true
  await stopped.getByRole('button', { name: 'Try again' }).click()
  await expect(list).toHaveAttribute('aria-rowcount', '400')
  await expect(stopped).toHaveCount(0)
})

test('a live list that let rows go loads no more beneath them', async ({ page, world }) => {
  const row = await sample(world)
  const rows = (from: number, count: number) => Array.from({ length: count }, (_, at) => ({ ...row, id: from - at }))
  let asked = 0
  await page.route(/ops\/errors\?/, (route) => {
    if (route.request().url().includes('cursor=')) asked += 1
    return route.fulfill({ json: { errors: rows(50_000 - asked * 200, 200), next_cursor: `after ${asked}`, total: 100_000, total_is_estimate: true } })
  })
  const events = rows(61_200, 1_200).reverse().map((one) => `id: ${one.id}\nevent: error\ndata: ${JSON.stringify(one)}\n\n`)
  await page.route(/ops\/stream/, (route) => route.fulfill({ status: 200, headers: { 'content-type': 'text/event-stream' }, body: `retry: 600000\n\n${events.join('')}` }))
  await page.goto(`${world.url}/console/errors?view=all`)
  const list = page.locator('[data-list=errors]')
  await expect(list).toHaveAttribute('aria-rowcount', '200')
  await page.getByRole('button', { name: 'Live', exact: true }).click()
  await expect(list).toHaveAttribute('aria-rowcount', '1000')
  const before = asked
  await toTheEnd(page)
  expect(asked).toBe(before)
})

test('a brush is kept while new figures come', async ({ page, world }) => {
  await sample(world)
  await page.goto(`${world.url}/console/errors?view=all`)
  await page.getByRole('button', { name: 'Live', exact: true }).click()
  const canvas = page.locator('canvas').first()
  await expect(canvas).toBeVisible()
  const box = await canvas.boundingBox()
  if (!box) throw new Error('the chart has no place')
  const at = (share: number) => page.mouse.move(box.x + box.width * share, box.y + box.height / 2)
  await at(0.3)
  await page.mouse.down()
  await at(0.4)
  await page.waitForResponse(/error-trend/)
  await page.evaluate(() => new Promise(requestAnimationFrame))
  await at(0.5)
  await at(0.6)
  await page.mouse.up()
  await expect(page).toHaveURL(/start_time=.*end_time=/)
})

test('refreshing failures refreshes their chart, too', async ({ page, world }) => {
  await page.goto(`${world.url}/console/errors?view=all`)
  await expect(page.locator('[data-list=errors]')).toBeVisible()
  const asked = page.waitForRequest(/error-trend/)
  await page.getByRole('button', { name: 'Refresh' }).click()
  await asked
})

test('an account that is looked at for long is looked at once', async ({ page, world }) => {
  const { items } = (await world.ask('GET', 'accounts')) as { items: { id: number }[] }
  let asked = 0
  page.on('request', (request) => {
    if (/ops\/upstream-errors\?/.test(request.url())) asked += 1
  })
  await page.clock.install()
  await page.goto(`${world.url}/console/accounts/${items[0]?.id}`)
  await expect(page.getByText('The newest, as of')).toBeVisible()
  await expect.poll(() => asked).toBe(1)
  await page.clock.fastForward(200_000)
  await page.clock.fastForward(200_000)
  expect(asked).toBe(1)
  await page.getByRole('button', { name: 'Refresh' }).click()
  await expect.poll(() => asked).toBe(2)
})
