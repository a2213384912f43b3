import { expect, test } from 'vitest'
import type { HeatMap, Timeline } from './figure'
import { planOf } from './plan'
import { tipOfCell, tipOfStep } from './tip'

const MINUTE = 60_000
const NOON = new Date(2026, 2, 4, 12).getTime()

const bars = (count: number): Timeline => ({
  kind: 'timeline',
  from: NOON,
  to: NOON + MINUTE,
  stepMs: MINUTE,
  series: Array.from({ length: count }, (_, at) => ({ name: `cause ${at}`, color: '#123456', kind: 'bar', points: [[NOON, at % 2 ? 1234 : 0]] })),
})

test('a step tells from when to when, and each of its values in the language of the page', () => {
  const figure = bars(2)
  const tip = tipOfStep(figure, planOf(figure), 0, 1, 'en')
  expect(tip?.title).toMatch(/12:00 – .*12:01$/)
  expect(tip?.rows).toEqual([
    { color: '#123456', name: 'cause 0', value: '0', isNear: false },
    { color: '#123456', name: 'cause 1', value: '1,234', isNear: true },
  ])
})

test('a step that was cut short is told as long as it was', () => {
  const figure: Timeline = { ...bars(1), from: NOON + 17 * MINUTE, to: NOON + 64 * MINUTE, stepMs: 30 * MINUTE }
  const cut = { ...figure, series: figure.series.map((one) => ({ ...one, points: [17, 30, 60].map((minute) => [NOON + minute * MINUTE, 1] as const) })) }
  const titles = [0, 1, 2].map((at) => tipOfStep(cut, planOf(cut), at, undefined, 'en')?.title)
  expect(titles[0]).toMatch(/12:17 – .*12:30$/)
  expect(titles[1]).toMatch(/12:30 – .*13:00$/)
  expect(titles[2]).toMatch(/13:00 – .*13:04$/)
})

test('of many series those that are nothing are left out', () => {
  const figure = bars(6)
  expect(tipOfStep(figure, planOf(figure), 0, undefined, 'en')?.rows.map(({ name }) => name)).toEqual(['cause 1', 'cause 3', 'cause 5'])
})

test('a value is said as its axis says it, and what lasted then is named', () => {
  const figure: Timeline = {
    kind: 'timeline',
    from: NOON,
    to: NOON + MINUTE,
    stepMs: MINUTE,
    left: { say: (value) => `${value} %` },
    series: [{ name: 'rate', color: '#123456', kind: 'line', points: [[NOON, 7], [NOON + MINUTE, null]] }],
    spells: { name: 'fired', color: '#654321', value: 5, spans: [{ from: NOON - MINUTE, to: NOON }] },
  }
  const plan = planOf(figure)
  expect(tipOfStep(figure, plan, 0, undefined, 'en')?.rows.map(({ name }) => name)).toEqual(['rate', 'fired'])
  expect(tipOfStep(figure, plan, 0, undefined, 'en')?.rows[0]?.value).toBe('7 %')
  expect(tipOfStep(figure, plan, 1, undefined, 'en')?.rows).toEqual([{ color: '#123456', name: 'rate', value: '–', isNear: false }])
})

test('a cell tells when, of what, and how many; what is no cell tells nothing', () => {
  const heat: HeatMap = { kind: 'heat', from: NOON, to: NOON + MINUTE, columns: [{ from: NOON, to: NOON + MINUTE }], rows: ['≤ 50 ms'], cells: [{ column: 0, row: 0, count: 3 }], most: 3, say: (count) => `${count} requests` }
  expect(tipOfCell(heat, 0, 0, 'en')?.rows).toEqual([{ name: '≤ 50 ms', value: '3 requests', isNear: false }])
  expect(tipOfCell(heat, 0, 1, 'en')).toBeUndefined()
})
