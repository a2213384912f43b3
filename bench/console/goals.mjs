// What is to be reached, and whether it was. Pure.
import { kib } from './numbers.mjs'

const LCP_MS = 1_000
const SCRIPT_KIB = 250
const SCORE = 95
const FRAME_MS = 50
/** Noise of a heap that holds a thousand rows: what caches and counters differ by from look to look. */
const HEAP_BYTES = 2 * 2 ** 20
const NODES = 200
const LISTENERS = 50

export function judge({ views = [], lighthouse = [], scroll, tail }) {
  const goals = []
  const goal = (figure, most, value, reached) => goals.push({ figure, most, value, reached })
  for (const { name, lcp, shown, scriptBytes, chartBytes } of views) {
    goal(`largest contentful paint, ${name}, ms`, `< ${LCP_MS}`, Math.round(lcp), lcp < LCP_MS)
    goal(`what it is for is shown, ${name}, ms`, `< ${LCP_MS}`, Math.round(shown), shown > 0 && shown < LCP_MS)
    goal(`compressed JavaScript without charts, ${name}, KiB`, `≤ ${SCRIPT_KIB}`, Math.round(kib(scriptBytes - chartBytes)), kib(scriptBytes - chartBytes) <= SCRIPT_KIB)
  }
  for (const { name, performance, accessibility } of lighthouse.filter(({ form }) => form === 'desktop')) {
    goal(`Lighthouse performance, ${name}`, `≥ ${SCORE}`, performance, performance >= SCORE)
    goal(`Lighthouse accessibility, ${name}`, `≥ ${SCORE}`, accessibility, accessibility >= SCORE)
  }
  if (scroll) {
    for (const [part, { worst, long }] of Object.entries(scroll)) goal(`longest frame, scrolling (${part}), ms`, `≤ ${FRAME_MS}`, `${Math.round(worst)} (${long} above)`, worst <= FRAME_MS)
  }
  if (tail) {
    const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(2)}`
    goal('heap that the live tail grew by, MiB', `≤ ${mib(HEAP_BYTES)}`, mib(tail.heapGrowth), tail.heapGrowth <= HEAP_BYTES)
    goal('nodes that it grew by', `≤ ${NODES}`, tail.nodeGrowth, tail.nodeGrowth <= NODES)
    goal('listeners that it grew by', `≤ ${LISTENERS}`, tail.listenerGrowth, tail.listenerGrowth <= LISTENERS)
    goal('the newest failure stands on top at its end', 'yes', tail.isAtTheEnd ? 'yes' : 'no', tail.isAtTheEnd)
  }
  return goals
}
