// The first look at a page: nothing cached, nothing warm in the browser.
//
// Largest contentful paint is the browser's own, of a whole load until the page has been quiet for a while. The
// skeletons that stand for what is still asked do not count in it: they are neither text nor picture. So the moment
// is measured, too, at which what the page is for stands there.
import { freshPage } from './browser.mjs'
import { median, sum } from './numbers.mjs'

/** What is looked at, and what it is for. */
export const VIEWS = [
  { name: 'overview', path: '', isSignedIn: true, shows: '[data-sentence]' },
  { name: 'errors', path: 'errors', isSignedIn: true, shows: '[data-list="errors"] [role="gridcell"]' },
  { name: 'sign-in', path: 'sign-in', isSignedIn: false, shows: 'form button[type="submit"]' },
]

/** Long enough for everything that is in sight, charts included. */
const QUIET_MS = 1_500
const MOST_MS = 30_000

/** Runs in the page before anything of its own. */
function watch(shows) {
  const seen = { lcp: 0, of: '', shown: 0, longest: 0 }
  globalThis.__seen = seen
  new PerformanceObserver((list) => {
    for (const { startTime, element, size } of list.getEntries()) {
      seen.lcp = startTime
      seen.of = `${element?.tagName.toLowerCase() ?? '?'} (${size} px): ${element?.textContent?.slice(0, 40) ?? ''}`
    }
  }).observe({ type: 'largest-contentful-paint', buffered: true })
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) seen.longest = Math.max(seen.longest, duration)
  }).observe({ type: 'longtask', buffered: true })
  const look = () => {
    if (document.querySelector(shows)) seen.shown = performance.now()
    else requestAnimationFrame(look)
  }
  requestAnimationFrame(look)
}

/** Looks at each in turn, round after round. */
export async function firstViews({ browser, url, cookies, rounds }) {
  const found = Object.fromEntries(VIEWS.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    for (const view of VIEWS) found[view.name].push(await look(browser, url, cookies, view))
  }
  return VIEWS.map((view) => ({ ...view, ...together(found[view.name]) }))
}

async function look(browser, url, cookies, { path, isSignedIn, shows }) {
  const { page, end } = await freshPage(browser, isSignedIn ? cookies : [])
  await page.addInitScript(watch, shows)
  await page.goto(`${url}/console/${path}`)
  await page.locator(shows).first().waitFor({ timeout: MOST_MS })
  await page.waitForTimeout(QUIET_MS)
  const seen = await page.evaluate(() => {
    const entries = performance.getEntriesByType('resource')
    const paint = performance.getEntriesByName('first-contentful-paint')[0]
    return {
      ...globalThis.__seen,
      fcp: paint?.startTime ?? NaN,
      files: entries.map(({ name, encodedBodySize, startTime, requestStart, responseStart, responseEnd }) => ({ name, bytes: encodedBodySize, startTime, requestStart, responseStart, responseEnd })),
    }
  })
  await end()
  const scripts = seen.files.filter(({ name }) => /\.js$/.test(name))
  const charts = scripts.filter(({ name }) => /\/plot-/.test(name))
  return {
    ...seen,
    scripts: scripts.length,
    chartBytes: sum(charts.map(({ bytes }) => bytes)),
    scriptBytes: sum(scripts.map(({ bytes }) => bytes)),
    asked: seen.files.filter(({ name }) => name.includes('/api/')),
  }
}

function together(rounds) {
  const of = (what) => median(rounds.map(what))
  const last = rounds.at(-1)
  const calls = new Map()
  for (const { asked } of rounds) {
    for (const { name, startTime, requestStart, responseStart, responseEnd } of asked) {
      const { pathname, search } = new URL(name)
      const key = decodeURIComponent(pathname.replace('/api/v1/admin/', '') + search)
      calls.set(key, [...(calls.get(key) ?? []), { at: startTime, waited: requestStart - startTime, server: responseStart - requestStart, end: responseEnd }])
    }
  }
  return {
    lcp: of(({ lcp }) => lcp),
    worst: Math.max(...rounds.map(({ lcp }) => lcp)),
    of: last.of,
    fcp: of(({ fcp }) => fcp),
    shown: of(({ shown }) => shown),
    longest: of(({ longest }) => longest),
    scripts: last.scripts,
    scriptBytes: last.scriptBytes,
    chartBytes: last.chartBytes,
    calls: [...calls].map(([call, took]) => ({ call, at: median(took.map(({ at }) => at)), waited: median(took.map(({ waited }) => waited)), server: median(took.map(({ server }) => server)), end: median(took.map(({ end }) => end)) })),
  }
}
