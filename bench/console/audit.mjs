// Lighthouse over the same pages, signed in.
//
// As it comes for a desktop, where the console is used: 40 ms of round trip, 10 Mbit/s and the CPU as it is, simulated
// from an unthrottled load. With `mobile` a phone on slow 4G with a quarter of the CPU: told, not judged.
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { launch } from './browser.mjs'
import { median } from './numbers.mjs'
import { VIEWS } from './first-view.mjs'

export async function audits({ url, cookies, rounds, forms = ['desktop', 'mobile'] }) {
  const { default: lighthouse, desktopConfig } = await import(createRequire(import.meta.url).resolve('lighthouse'))
  const port = await freePort()
  const found = []
  for (const form of forms) {
    for (const view of VIEWS) {
      const scores = []
      for (let round = 0; round < rounds; round += 1) {
        // A browser of its own each time: nothing cached, nothing compiled.
        const browser = await launch([`--remote-debugging-port=${port}`])
        const headers = view.isSignedIn ? { cookie: cookies.map(({ name, value }) => `${name}=${value}`).join('; ') } : {}
        const options = { port, output: 'json', logLevel: 'error', onlyCategories: ['performance', 'accessibility'], extraHeaders: headers }
        const { lhr } = await lighthouse(`${url}/console/${view.path}`, options, form === 'desktop' ? desktopConfig : undefined)
        await browser.close()
        scores.push(of(lhr))
      }
      const last = scores.at(-1)
      const mid = (name) => median(scores.map((one) => one[name]))
      found.push({ form, name: view.name, ...last, performance: mid('performance'), accessibility: Math.min(...scores.map(({ accessibility }) => accessibility)), lcp: mid('lcp'), fcp: mid('fcp'), tbt: mid('tbt'), cls: mid('cls'), speed: mid('speed') })
    }
  }
  return found
}

function of({ categories, audits, finalDisplayedUrl }) {
  const value = (name) => audits[name].numericValue
  return {
    performance: Math.round(categories.performance.score * 100),
    accessibility: Math.round(categories.accessibility.score * 100),
    fcp: value('first-contentful-paint'),
    lcp: value('largest-contentful-paint'),
    tbt: value('total-blocking-time'),
    cls: value('cumulative-layout-shift'),
    speed: value('speed-index'),
    at: finalDisplayedUrl,
    missed: Object.values(audits).filter(({ score, scoreDisplayMode, id }) => score !== null && score < 0.9 && scoreDisplayMode !== 'informative' && categories.accessibility.auditRefs.some((ref) => ref.id === id)).map(({ id }) => id),
  }
}

function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => done(port))
    })
  })
}
