// The live tail: as many failures as an hour has at fifty a second, in less than an hour.
//
// What counts is how much is held once everything that is of no use was let go: the heap after the collector was made
// to run, the nodes of the document and the listeners, at several points of the way.
import { freshPage } from './browser.mjs'
import { median } from './numbers.mjs'

export const HOUR = 180_000
export const PER_SECOND = 300
const LOOKS = 12

export async function tail({ browser, world, cookies, count = HOUR, perSecond = PER_SECOND, say }) {
  const { page, cdp, end } = await freshPage(browser, cookies)
  await page.goto(`${world.url}/console/errors?time_range=1h`)
  await page.getByRole('button', { name: 'Live', exact: true }).click()
  await page.getByRole('button', { name: 'Pause' }).waitFor()
  await page.evaluate(() => {
    globalThis.__longest = 0
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) globalThis.__longest = Math.max(globalThis.__longest, duration)
    }).observe({ type: 'longtask' })
  })
  // The list is full, and everything has been shown once, before the first look.
  await world.load({ count: 3_000, perSecond, connections: 16 })
  const looks = [await held(cdp)]
  let came = 0
  for (let at = 1; at <= LOOKS; at += 1) {
    came += (await world.load({ count: Math.round(count / LOOKS), perSecond, connections: 16 })).answered
    looks.push(await held(cdp))
    say(`${came} failures in the tail: ${(looks.at(-1).heap / 2 ** 20).toFixed(1)} MiB, ${looks.at(-1).nodes} nodes`)
  }
  // Half a second after the last failure the newest row stands on top.
  await page.waitForTimeout(2_000)
  const { errors } = await world.ask('GET', 'ops/errors?view=all&time_range=1h&page_size=1')
  const state = await page.evaluate(() => ({ rows: Number(document.querySelector('[data-list="errors"]').getAttribute('aria-rowcount')), missed: document.querySelector('[role="status"]')?.textContent ?? '', top: document.querySelector('[data-list="errors"] [role="row"][aria-rowindex="1"]')?.id, longest: globalThis.__longest }))
  await end()
  return { looks, came, perSecond, ...state, isAtTheEnd: Boolean(state.top?.endsWith(String(errors[0].id))), ...growth(looks) }
}

async function held(cdp) {
  await cdp.send('HeapProfiler.enable')
  // What is let go by one pass may let go of more.
  for (let pass = 0; pass < 3; pass += 1) await cdp.send('HeapProfiler.collectGarbage')
  const { usedSize } = await cdp.send('Runtime.getHeapUsage')
  const { nodes, jsEventListeners, documents } = await cdp.send('Memory.getDOMCounters')
  return { heap: usedSize, nodes, listeners: jsEventListeners, documents }
}

/** From the first third to the last: a single look may have caught a page half drawn. */
export function growth(looks) {
  const third = Math.floor(looks.length / 3)
  const of = (what) => median(looks.slice(-third).map(what)) - median(looks.slice(0, third).map(what))
  return { heapGrowth: of(({ heap }) => heap), nodeGrowth: of(({ nodes }) => nodes), listenerGrowth: of(({ listeners }) => listeners) }
}
