// What the pages ask of the API first, one request at a time, without a browser.
import { percentile } from './numbers.mjs'

const TIMES = 7
const ASKED = [
  'me',
  ...['1h', '24h'].flatMap((span) => [
    `ops/dashboard/overview?time_range=${span}`,
    `ops/dashboard/error-trend?time_range=${span}`,
    `ops/issues?time_range=${span}&sort=-impact&page_size=5&state=new,ongoing,escalating,regressed`,
    `ops/errors?time_range=${span}&page_size=200`,
  ]),
  'ops/account-availability',
  'ops/alert-events?status=firing&page_size=50',
  'ops/concurrency',
]

export async function calls(world) {
  const found = []
  for (const call of ASKED) {
    const took = []
    for (let time = 0; time < TIMES; time += 1) {
      const began = performance.now()
      await world.ask('GET', call)
      took.push(performance.now() - began)
    }
    found.push({ call, first: took[0], p50: percentile(took, 50), worst: Math.max(...took) })
  }
  return found
}
