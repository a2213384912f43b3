import { expect, test } from 'vitest'
import { HUES, SERIES } from '../../../app/theme'
import { figureOf, named, rowsOf, totalOf, type Trend } from './stack'

const START = Date.UTC(2026, 2, 4, 12, 17)
const at = (minute: number) => new Date(START + minute * 60_000).toISOString()

/** So many causes, named by letters, the most frequent first; in two steps, the second of which has twice as many. */
function trendOf(counts: Record<string, number>, others = 0): Trend {
  const values = Object.entries(counts).map(([value, count]) => ({ value, count: 3 * count }))
  const steps = [1, 2].map((times) => ({ start_time: at(times === 1 ? 0 : 13), counts: Object.values(counts).map((count) => times * count), others: times * others }))
  return { start_time: at(0), end_time: at(40), step_ms: 30 * 60_000, of: 'requests', by: 'cause', values, points: steps } as unknown as Trend
}

const TEN = { j: 20, i: 18, h: 16, g: 14, f: 12, e: 10, d: 8, c: 6, b: 4, a: 2 }
const ofNames = (trend: Trend) => figureOf(trend, named(trend.values), 'others').series

test('the most frequent causes have a colour of their own, which they keep when another becomes the most frequent', () => {
  const names = named(trendOf(TEN).values)
  expect(names).toEqual(['d', 'e', 'f', 'g', 'h', 'i', 'j'])
  const colours = (trend: Trend) => Object.fromEntries(ofNames(trend).map(({ name, color }) => [name, color]))
  const { j, i, ...less } = TEN
  expect(colours(trendOf({ i, j, ...less }))).toEqual(colours(trendOf(TEN)))
  expect(new Set(Object.values(colours(trendOf(TEN)))).size).toBe(SERIES.length)
})

test('others are the causes without a colour, and those that the answer does not name', () => {
  const others = ofNames(trendOf(TEN, 5)).at(-1)
  expect(others).toMatchObject({ name: 'others', color: HUES.yellow })
  expect(others?.points.map(([, count]) => count)).toEqual([6 + 4 + 2 + 5, 2 * (6 + 4 + 2 + 5)])
  expect(ofNames(trendOf({ a: 1 }, 5)).map(({ name }) => name)).toEqual(['a', 'others'])
  expect(ofNames(trendOf({ a: 1 })).map(({ name }) => name)).toEqual(['a'])
})

test('what is drawn, what is in the rows, and what is said are the same failures', () => {
  for (const trend of [trendOf(TEN), trendOf(TEN, 5), trendOf({ a: 1 }), trendOf({}, 2)]) {
    const drawn = ofNames(trend).flatMap(({ points }) => points.map(([, count]) => count ?? 0))
    const rows = rowsOf(trend, named(trend.values))
    const sum = (counts: number[]) => counts.reduce((all, count) => all + count, 0)
    expect(sum(drawn)).toBe(totalOf(trend))
    expect(sum(rows.map(({ count }) => count))).toBe(totalOf(trend))
    expect(sum(rows.map(({ share }) => share))).toBeCloseTo(100)
  }
})

test('a row has the colour of its bars, and the last one is what no row names', () => {
  const trend = trendOf(TEN, 5)
  const rows = rowsOf(trend, named(trend.values))
  const colours = new Map(ofNames(trend).map(({ name, color }) => [name, color]))
  expect(rows.map(({ cause }) => cause?.value)).toEqual([...Object.keys(TEN), undefined])
  expect(rows.every(({ cause, color }) => color === (colours.get(cause?.value ?? 'others') ?? colours.get('others')))).toBe(true)
  expect(rows.at(-1)).toEqual({ color: HUES.yellow, count: 15, share: (15 / 345) * 100 })
})

test('where every cause is named there is no row of others, and where nothing failed there is none at all', () => {
  expect(rowsOf(trendOf({ a: 1 }), ['a']).map(({ cause }) => cause?.value)).toEqual(['a'])
  expect(rowsOf(trendOf({}), [])).toEqual([])
  expect(totalOf(trendOf({}))).toBe(0)
})
