// Scrolling through a hundred thousand failures.
//
// A frame is the time from one animation frame of the page's main thread to the next, as the browser's own trace has
// it (`FireAnimationFrame`), while the page is being scrolled: anything that holds up the page lengthens it. A script in
// the page turns the wheel anew in each frame, so that every frame has work. The list is first scrolled down to its end,
// page after page being loaded on the way, then through all of it, up and down.
import { freshPage } from './browser.mjs'
import { percentile } from './numbers.mjs'

export const ROWS = 100_000
const CATEGORIES = ['devtools.timeline', 'disabled-by-default-devtools.timeline', 'toplevel', 'blink.user_timing', 'disabled-by-default-devtools.timeline.frame']
const MOST_MS = 900_000

/** Rows in the page's list. */
const FRAME = '[data-list="errors"]'

export async function scrolling({ browser, url, cookies, rows = ROWS, say }) {
  const { page, cdp, end } = await freshPage(browser, cookies)
  await page.goto(`${url}/console/errors?time_range=24h`)
  await page.locator(`${FRAME} [role="gridcell"]`).first().waitFor()
  await page.waitForTimeout(2_000)

  const loading = await traced(cdp, () => scrollTo(page, rows))
  say(`loaded ${await count(page)} rows`)
  const through = await traced(cdp, () => sweep(page))
  await end()
  return { loading, through }
}

const count = (page) => page.locator(FRAME).getAttribute('aria-rowcount').then(Number)

/** Down, to the end of what is there, until so many rows are. */
function scrollTo(page, rows) {
  return page.evaluate(
    ({ frame, rows, most }) =>
      new Promise((done, failed) => {
        const list = document.querySelector(frame)
        const until = performance.now() + most
        performance.mark('scroll-begins')
        const step = () => {
          if (Number(list.getAttribute('aria-rowcount')) >= rows) {
            performance.mark('scroll-ends')
            return done()
          }
          if (performance.now() > until) return failed(new Error('the list does not go on'))
          // As fast as pages come; between them there is nothing to scroll to.
          list.scrollTop = Math.min(list.scrollTop + 1_200, list.scrollHeight)
          requestAnimationFrame(step)
        }
        requestAnimationFrame(step)
      }),
    { frame: FRAME, rows, most: MOST_MS },
  )
}

/** Up and down again: a notch of the wheel each frame, then a throw of it, then the bar pulled. */
function sweep(page) {
  return page.evaluate(
    (frame) =>
      new Promise((done) => {
        const list = document.querySelector(frame)
        const paces = [[-110, 600], [-3_000, 300], [3_000, 300], [110, 600], [-90_000, 40], [90_000, 40]]
        performance.mark('scroll-begins')
        let at = 0
        let left = paces[0][1]
        const step = () => {
          if (left === 0) {
            at += 1
            if (at === paces.length) {
              performance.mark('scroll-ends')
              return done()
            }
            left = paces[at][1]
          }
          left -= 1
          list.scrollTop += paces[at][0]
          requestAnimationFrame(step)
        }
        requestAnimationFrame(step)
      }),
    FRAME,
  )
}

/** What the browser traced meanwhile. */
async function traced(cdp, act) {
  const events = []
  const onData = ({ value }) => events.push(...value)
  cdp.on('Tracing.dataCollected', onData)
  await cdp.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { recordMode: 'recordContinuously', includedCategories: CATEGORIES } })
  await act()
  const complete = new Promise((done) => cdp.once('Tracing.tracingComplete', done))
  await cdp.send('Tracing.end')
  await complete
  cdp.off('Tracing.dataCollected', onData)
  return frames(events)
}

/** Frames and long tasks of the thread that was scrolled, between the marks. */
export function frames(events) {
  const began = events.find(({ name }) => name === 'scroll-begins')
  const ended = events.find(({ name }) => name === 'scroll-ends')
  if (!began || !ended) throw new Error('the trace lacks the marks of the scrolling')
  const own = events.filter(({ pid, tid, ts }) => pid === began.pid && tid === began.tid && ts >= began.ts && ts <= ended.ts)
  const starts = own.filter(({ name }) => name === 'FireAnimationFrame').map(({ ts }) => ts).sort((one, other) => one - other)
  const lengths = starts.slice(1).map((ts, at) => ({ ms: (ts - starts[at]) / 1000, from: starts[at], to: ts }))
  const tasks = own.filter(({ name, ph }) => ph === 'X' && (name === 'RunTask' || name === 'ThreadControllerImpl::RunTask'))
  const long = lengths.filter(({ ms }) => ms > 50)
  return {
    frames: lengths.length,
    seconds: (ended.ts - began.ts) / 1e6,
    p50: percentile(lengths.map(({ ms }) => ms), 50),
    p99: percentile(lengths.map(({ ms }) => ms), 99),
    worst: Math.max(...lengths.map(({ ms }) => ms)),
    long: long.length,
    // What the page itself did in the frames that were too long: the rest is the machine's.
    worstTask: Math.max(0, ...tasks.map(({ dur }) => (dur ?? 0) / 1000)),
    worstCpu: Math.max(0, ...tasks.map(({ tdur }) => (tdur ?? 0) / 1000)),
    longest: long
      .sort((one, other) => other.ms - one.ms)
      .slice(0, 5)
      .map(({ ms, from, to }) => ({ ms, parts: parts(own, from, to) })),
  }
}

/** The longest of what happened in a frame. */
function parts(events, from, to) {
  return events
    .filter(({ ts, dur, ph }) => ph === 'X' && dur > 5_000 && ts < to && ts + dur > from)
    .sort((one, other) => other.dur - one.dur)
    .slice(0, 6)
    .map(({ name, dur, tdur, args }) => `${name} ${Math.round(dur / 1000)} ms (CPU ${Math.round((tdur ?? 0) / 1000)})${args?.data?.functionName ? ` ${args.data.functionName}` : ''}`)
}
