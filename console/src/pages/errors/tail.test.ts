import { expect, test } from 'vitest'
import { above, came, emptyTail, MOST, missed, paused, resumed } from './tail'

const row = (id: number) => ({ id })
const many = (from: number, count: number) => Array.from({ length: count }, (_, at) => row(from + at))
const ids = (rows: { id: number }[]) => rows.map(({ id }) => id)

test('the newest stands on top', () => {
  const tail = came(came(emptyTail<{ id: number }>(), [row(1), row(2)]), [row(3)])
  expect(ids(tail.rows)).toEqual([3, 2, 1])
})

test('while it is paused nothing moves, everything is counted, and it comes on top afterwards', () => {
  const shown = paused(came(emptyTail<{ id: number }>(), [row(1)]))
  const waiting = came(came(shown, [row(2)]), [row(3)])
  expect(ids(waiting.rows)).toEqual([1])
  expect(waiting.cameMeanwhile).toBe(2)
  const on = resumed(waiting)
  expect(ids(on.rows)).toEqual([3, 2, 1])
  expect([on.isPaused, on.cameMeanwhile, on.waiting.length]).toEqual([false, 0, 0])
})

test('an hour at fifty a second holds no more than it may, and says that it let go', () => {
  let tail = emptyTail<{ id: number }>()
  for (let second = 0; second < 3_600; second++) tail = came(tail, many(second * 50, 50))
  expect(tail.rows.length).toBe(MOST)
  expect(tail.rows[0]?.id).toBe(3_600 * 50 - 1)
  expect(tail.isCut).toBe(true)
})

test('what waits is bounded, too, and counted to the last', () => {
  const waiting = came(paused(emptyTail<{ id: number }>()), many(0, 2_500))
  expect([waiting.waiting.length, waiting.cameMeanwhile, waiting.isCut]).toEqual([MOST, 2_500, true])
})

test('what was passed over is added up', () => {
  const tail = missed(missed(emptyTail(), 10, false), 5, true)
  expect([tail.missed, tail.missedIsEstimate]).toEqual([15, true])
})

test('no row is there twice, and none stands below a gap', () => {
  const tail = came(emptyTail<{ id: number }>(), [row(3), row(4)])
  expect(ids(above(tail, [row(3), row(2)]))).toEqual([4, 3, 2])
  expect(ids(above({ ...tail, isCut: true }, [row(2)]))).toEqual([4, 3])
  expect(ids(above(emptyTail<{ id: number }>(), [row(2)]))).toEqual([2])
})
