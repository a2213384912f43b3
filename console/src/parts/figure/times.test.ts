import { afterAll, beforeAll, expect, test } from 'vitest'
import { tickSaid } from './said'
import { DAY, timeStep, timeTicks } from './times'

const HOUR = DAY / 24
const zone = process.env['TZ']
beforeAll(() => {
  process.env['TZ'] = 'Europe/Berlin'
})
afterAll(() => {
  if (zone === undefined) delete process.env['TZ']
  else process.env['TZ'] = zone
})

const clocks = (ticks: number[]) => ticks.map((at) => new Date(at).toTimeString().slice(0, 5))

test('there are as many labels as there is room for, and not fewer without need', () => {
  for (const span of [5 * 60_000, HOUR, 6 * HOUR, DAY, 7 * DAY, 30 * DAY, 400 * DAY, 5000 * DAY]) {
    for (const most of [3, 6, 14]) {
      const step = timeStep(span, most)
      const from = Date.UTC(2026, 4, 4, 2, 41, 17)
      const ticks = timeTicks(from, from + span, step)
      expect(ticks.length).toBeLessThanOrEqual(most + 1)
      expect(ticks.length, `${span} in ${most}`).toBeGreaterThanOrEqual(Math.floor(most / 4))
      expect(ticks.every((at) => at >= from && at <= from + span)).toBe(true)
    }
  }
})

test('labels stand where the clock of this place is round', () => {
  const from = Date.UTC(2026, 2, 4, 2, 41, 17)
  expect(clocks(timeTicks(from, from + 30 * 60_000, 10 * 60_000))).toEqual(['03:50', '04:00', '04:10'])
  expect(clocks(timeTicks(from, from + DAY, 6 * HOUR))).toEqual(['06:00', '12:00', '18:00', '00:00'])
})

test('they are round still after the clocks were changed', () => {
  const from = new Date(2026, 2, 28, 12).getTime()
  const ticks = timeTicks(from, from + 2 * DAY, 6 * HOUR)
  expect(clocks(ticks)).toEqual(['12:00', '18:00', '00:00', '06:00', '12:00', '18:00', '00:00', '06:00', '12:00'])
  expect(timeTicks(from, from + DAY, HOUR).every((at, of, all) => of === 0 || at > (all[of - 1] ?? 0))).toBe(true)
})

test('an hour that comes twice in autumn is labelled where it comes first', () => {
  const from = new Date(2026, 9, 24, 12).getTime()
  expect(clocks(timeTicks(from, from + 2 * DAY, 6 * HOUR))).toEqual(['12:00', '18:00', '00:00', '06:00', '12:00', '18:00', '00:00', '06:00'])
  const midnight = new Date(2026, 9, 25).getTime()
  const hours = timeTicks(midnight, midnight + 6 * HOUR, HOUR)
  expect(clocks(hours)).toEqual(['00:00', '01:00', '02:00', '03:00', '04:00', '05:00'])
  expect(hours.map((at, of) => (at - (hours[of - 1] ?? at)) / HOUR)).toEqual([0, 1, 1, 2, 1, 1])
})

test('where there is no time there are no labels', () => {
  for (const [from, to, step] of [[0, NaN, HOUR], [NaN, DAY, HOUR], [0, NaN, 2 * DAY], [NaN, NaN, timeStep(NaN, 6)]] as const) expect(timeTicks(from, to, step)).toEqual([])
})

test('steps of days do not move with where one begins to look', () => {
  const from = new Date(2026, 2, 3, 15).getTime()
  const days = (begin: number) => timeTicks(begin, from + 20 * DAY, 2 * DAY)
  expect(days(from).every((at) => new Date(at).getHours() === 0)).toBe(true)
  expect(days(from + 3 * DAY)).toEqual(days(from).filter((at) => at >= from + 3 * DAY))
})

test('a day is named where it begins, else the time', () => {
  const midnight = new Date(2026, 2, 4).getTime()
  expect(tickSaid(midnight, 6 * HOUR, 'en')).toBe('Mar 4')
  expect(tickSaid(midnight + 6 * HOUR, 6 * HOUR, 'en')).toBe('06:00')
  expect(tickSaid(midnight + 30_000, 30_000, 'en')).toBe('00:00:30')
  expect(tickSaid(midnight, DAY, 'zh')).toBe('3月4日')
})
