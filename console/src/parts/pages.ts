/** Lists that go on: page after page by the cursor of the one before, so that nothing is missed or repeated. */
import { useInfiniteQuery } from '@tanstack/react-query'
import { useCallback } from 'react'
import type { Search } from '../app/search'

interface Page<Row> {
  rows: Row[]
  next?: string | null
  total?: number
  isEstimate?: boolean
}

/** Rows so far, and how to have more. `ask` asks the API for one page. */
export function usePages<Row>(key: string, query: Search, ask: (query: Search, signal: AbortSignal) => Promise<Page<Row>>, options: { refetchInterval?: number } = {}) {
  const found = useInfiniteQuery({
    queryKey: [key, query],
    queryFn: ({ pageParam, signal }) => ask(pageParam ? { ...query, cursor: pageParam } : query, signal),
    initialPageParam: '',
    getNextPageParam: (page) => page.next || undefined,
    ...options,
  })
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = found
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage()
  }, [fetchNextPage, hasNextPage, isFetchingNextPage])
  const first = found.data?.pages[0]
  return {
    query: found,
    rows: found.data?.pages.flatMap((page) => page.rows) ?? [],
    total: first?.total,
    isEstimate: first?.isEstimate ?? false,
    more,
    isLoadingMore: isFetchingNextPage,
  }
}
