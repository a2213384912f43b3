import { expect, test } from 'vitest'
import { type Place, placesFor } from './places'

const span = (from: number, count: number) => ({ from, to: from + count })
const all = ({ from, to }: { from: number; to: number }) => Array.from({ length: to - from }, (_, at) => from + at)
const keys = (places: Place[]) => places.map(({ key }) => key)
const indexes = (places: Place[]) => places.map(({ index }) => index)

test('while one scrolls places keep their order, and those that were left are used again', () => {
  const rest = placesFor([], span(100, 5), false)
  expect(indexes(rest)).toEqual([100, 101, 102, 103, 104])
  const up = placesFor(rest, span(98, 5), true)
  expect(keys(up)).toEqual(keys(rest))
  expect(indexes(up)).toEqual([100, 101, 102, 98, 99])
  const far = placesFor(up, span(500, 5), true)
  expect(keys(far)).toEqual(keys(rest))
  expect([...indexes(far)].sort()).toEqual(all(span(500, 5)))
})

test('at rest they stand in the order of their rows', () => {
  const up = placesFor(placesFor([], span(100, 5), false), span(98, 5), true)
  const rest = placesFor(up, span(98, 5), false)
  expect(indexes(rest)).toEqual(all(span(98, 5)))
  expect(new Set(keys(rest))).toEqual(new Set(keys(up)))
})

test('there are as many as there are rows in sight, each with a key of its own', () => {
  let places: Place[] = []
  for (const [from, count] of [[0, 3], [2, 7], [4, 2], [40, 6], [0, 0], [3, 4]] as const) {
    places = placesFor(places, span(from, count), true)
    expect([...indexes(places)].sort((one, other) => one - other)).toEqual(all(span(from, count)))
    expect(new Set(keys(places)).size).toBe(count)
  }
})
