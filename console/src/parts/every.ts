/** Lists that are small enough to be had whole, page after page: accounts, groups, users, keys. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'

interface Page<Row> {
  items: Row[]
  total: number
}

const PAGE_SIZE = 500

/** All rows; `ask` asks the API for one page. */
export async function everything<Row>(ask: (query: { page: number; page_size: number }) => Promise<Page<Row>>): Promise<Row[]> {
  const rows: Row[] = []
  for (let page = 1; ; page += 1) {
    const { items, total } = await ask({ page, page_size: PAGE_SIZE })
    rows.push(...items)
    if (items.length < PAGE_SIZE || rows.length >= total) return rows
  }
}

export function useEvery<Row>(key: string, ask: (query: { page: number; page_size: number }) => Promise<Page<Row>>, refetchInterval?: number) {
  return useQuery({ queryKey: ['every', key], queryFn: () => everything(ask), placeholderData: keepPreviousData, ...(refetchInterval ? { refetchInterval } : {}) })
}
