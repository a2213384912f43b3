// The figures of the console, over a million failures on record: what they are, and whether they are reached.
// Usage: node bench/console/figures.mjs [--errors N] [--rounds N] [--only views,lighthouse,scroll,tail] [--wait SECONDS] [--fresh]
// Results go to .build/bench/console.{md,json}. Ends with 1 where a figure is missed.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { audits } from './audit.mjs'
import { launch, signedIn } from './browser.mjs'
import { calls } from './calls.mjs'
import { firstViews } from './first-view.mjs'
import { judge } from './goals.mjs'
import { scrolling } from './scroll.mjs'
import { quiet, share } from './numbers.mjs'
import { report } from './table.mjs'
import { tail } from './tail.mjs'
import { BUILD, fill, folderFor, onRecord, ROOT, worldOf } from './world.mjs'

const PARTS = ['views', 'lighthouse', 'scroll', 'tail']
/** A page looks at the last hour unless told otherwise, so a part of the million has to be as new as that. */
const NEWEST = 20_000
/** So old may the rest be: it is looked at in the last day. */
const HOURS = 20

const { values: given } = parseArgs({
  options: {
    errors: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '7' },
    audits: { type: 'string', default: '3' },
    only: { type: 'string', default: PARTS.join(',') },
    binary: { type: 'string', default: process.env.WAYBILL_BINARY ?? `${ROOT}target/release/waybill` },
    tail: { type: 'string', default: '180000' },
    rate: { type: 'string', default: '300' },
    // How long a part waits for a quiet moment, in seconds.
    wait: { type: 'string', default: '300' },
    fresh: { type: 'boolean', default: false },
  },
})
const only = given.only.split(',')
const unknown = only.filter((part) => !PARTS.includes(part))
if (unknown.length > 0) throw new Error(`no such part: ${unknown}; there are ${PARTS}`)
const say = (text) => console.error(`console: ${text}`)
/** What the machine does besides: its load, and what a busy thread is given of a CPU. */
const busy = () => `${loadavg()[0].toFixed(1)} (${Math.round(share() * 100)} %)`
/** Less than this of a CPU, and times are those of other programs. */
const LEAST = 0.9

const folder = folderFor(HOURS)
if (given.fresh) rmSync(folder, { recursive: true, force: true })
mkdirSync(BUILD, { recursive: true })

const world = await worldOf({ binary: given.binary, folder })
const { url } = world
const found = { at: new Date().toISOString(), load: {} }
let browser
try {
  await fill(world, Number(given.errors), say)
  await fill(world, (await onRecord(world)) + NEWEST, say)
  found.errors = await onRecord(world)
  browser = await launch()
  const cookies = await signedIn(browser, url)
  const measured = {
    views: async () => {
      found.calls = await calls(world)
      found.views = await firstViews({ browser, url, cookies, rounds: Number(given.rounds) })
    },
    lighthouse: async () => (found.lighthouse = await audits({ url, cookies, rounds: Number(given.audits) })),
    scroll: async () => (found.scroll = await scrolling({ browser, url, cookies, say })),
    tail: async () => (found.tail = await tail({ browser, world, cookies, count: Number(given.tail), perSecond: Number(given.rate), say })),
  }
  for (const part of PARTS.filter((part) => only.includes(part))) {
    await quiet(LEAST, Number(given.wait) * 1000, say)
    const before = busy()
    say(`${part}, at a load of ${before}`)
    await measured[part]()
    found.load[part] = [before, busy()]
  }
} finally {
  await browser?.close()
  await world.end()
}
const goals = judge(found)
const text = report(found, goals)
writeFileSync(`${ROOT}.build/bench/console.json`, `${JSON.stringify({ ...found, goals }, null, 2)}\n`)
writeFileSync(`${ROOT}.build/bench/console.md`, text)
console.log(text)
process.exit(goals.some(({ reached }) => !reached) ? 1 : 0)
