import { expect, test } from 'vitest'
import { asked, beyond } from './beyond'

const at = (id: number, second: number) => ({ id, created_at: `2026-01-01T00:00:0${second}.000Z` })

test('neighbours are looked for in the filters of the address, away from this one', () => {
  const { older, newer } = asked(at(5, 2), { cause: 'overloaded', sort: 'created_at', time_range: '1h', tab: 'x' })
  expect(older).toEqual({ cause: 'overloaded', start_time: '2025-12-02T00:00:02.001Z', end_time: '2026-01-01T00:00:02.001Z', sort: '-created_at', page_size: '20' })
  expect(newer).toEqual({ cause: 'overloaded', start_time: '2026-01-01T00:00:02.000Z', end_time: '2026-01-31T00:00:02.000Z', sort: 'created_at', page_size: '20' })
})

test('a window of named moments is kept to, and is never empty', () => {
  const { older, newer } = asked(at(5, 2), { start_time: '2026-01-01T00:00:01.000Z', end_time: '2026-01-01T00:00:03.000Z' })
  expect([older.start_time, newer.end_time]).toEqual(['2026-01-01T00:00:01.000Z', '2026-01-01T00:00:03.000Z'])
  const outside = asked(at(5, 2), { start_time: '2026-01-01T00:00:08.000Z', end_time: '2026-01-01T00:00:01.000Z' })
  expect([outside.older.start_time, outside.newer.end_time]).toEqual(['2026-01-01T00:00:02.000Z', '2026-01-01T00:00:02.001Z'])
})

test('of those that came at once the id decides, and the row itself is none of them', () => {
  const rows = [at(6, 2), at(5, 2), at(4, 2), at(3, 1)]
  expect(beyond(at(5, 2), rows, 'older')).toEqual(at(4, 2))
  expect(beyond(at(5, 2), [...rows].reverse(), 'newer')).toEqual(at(6, 2))
  expect(beyond(at(5, 2), [at(5, 2)], 'newer')).toBeUndefined()
})
