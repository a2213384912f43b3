import { expect, test } from 'vitest'
import { everything } from './every'

const of = (total: number) => {
  const asked: number[] = []
  const all = Array.from({ length: total }, (_, row) => row)
  const ask = async ({ page, page_size }: { page: number; page_size: number }) => {
    asked.push(page)
    return { items: all.slice((page - 1) * page_size, page * page_size), total }
  }
  return { asked, ask }
}

test('a list of several pages is had whole, and asked for no page too many', async () => {
  const { asked, ask } = of(1_000)
  expect(await everything(ask)).toHaveLength(1_000)
  expect(asked).toEqual([1, 2])
})

test('a list of nothing is had with one question', async () => {
  const { asked, ask } = of(0)
  expect(await everything(ask)).toEqual([])
  expect(asked).toEqual([1])
})
