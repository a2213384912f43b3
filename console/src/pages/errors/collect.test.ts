import { expect, test } from 'vitest'
import { collect, csv } from './collect'

const pages = (sizes: number[]) => {
  const asked: (string | undefined)[] = []
  const ask = async (query: Record<string, string | undefined>) => {
    asked.push(query.cursor)
    const at = Number(query.cursor ?? 0)
    return { rows: Array.from({ length: sizes[at] ?? 0 }, (_, row) => at * 100 + row), next: at + 1 < sizes.length ? String(at + 1) : null }
  }
  return { asked, ask }
}

test('a list is taken page after page to its end', async () => {
  const { asked, ask } = pages([2, 2, 1])
  const told: number[] = []
  expect(await collect({ cause: 'overloaded' }, ask, (rows) => told.push(rows))).toEqual({ rows: [0, 1, 100, 101, 200], isWhole: true })
  expect([asked, told]).toEqual([[undefined, '1', '2'], [2, 4, 5]])
})

test('what is longer than a file may be is cut, and says so', async () => {
  expect(await collect({}, pages([2, 2, 2]).ask, () => undefined, 3)).toEqual({ rows: [0, 1, 100], isWhole: false })
  expect(await collect({}, pages([2, 2]).ask, () => undefined, 4)).toMatchObject({ isWhole: true })
  expect(await collect({}, pages([]).ask, () => undefined)).toEqual({ rows: [], isWhole: true })
})

test('a cell keeps its text, and no provider writes a formula', () => {
  const rows = [{ id: 7, message: 'a "b",\nc', model: null, cause: '=1+1', hidden: true }]
  expect(csv(rows, ['id', 'message', 'model', 'cause', 'hidden'])).toBe(`id,message,model,cause,hidden\r\n7,"a ""b"",\nc",,'=1+1,true\r\n`)
})
