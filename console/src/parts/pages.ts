/** Lists that go on: page after page by the cursor of the one before, so that nothing is missed or repeated. */
import { type InfiniteData, infiniteQueryOptions, keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { useCallback, useMemo } from 'react'
import type { Search } from '../app/search'

interface Page<Row> {
  rows: Row[]
  next?: string | null
  total?: number
  isEstimate?: boolean
}

/** What goes on over several pages is not asked for again by itself: that would be one request for each of them. */
const isShort = (query: { state: { data?: unknown } }) => ((query.state.data as InfiniteData<unknown> | undefined)?.pages.length ?? 0) <= 1

type Ask<Row> = (query: Search, signal: AbortSignal) => Promise<Page<Row>>

/** One list, as a query. A hundred thousand rows are not compared with themselves each time that more come. */
export function pagesOf<Row>(key: string, query: Search, ask: Ask<Row>) {
  return infiniteQueryOptions({
    queryKey: [key, query],
    queryFn: ({ pageParam, signal }) => ask(pageParam ? { ...query, cursor: pageParam } : query, signal),
    initialPageParam: '',
    getNextPageParam: (page) => page.next || undefined,
    structuralSharing: false,
  })
}

/** Rows so far, and how to have more. `ask` asks the API for one page; with `keepsOld` the rows before a change of the query stay until the new ones are there. */
export function usePages<Row>(key: string, query: Search, ask: Ask<Row>, options: { refetchInterval?: number; keepsOld?: boolean } = {}) {
  const found = useInfiniteQuery({
    ...pagesOf(key, query, ask),
    refetchOnWindowFocus: isShort,
    refetchOnMount: isShort,
    refetchInterval: options.refetchInterval,
    ...(options.keepsOld ? { placeholderData: keepPreviousData } : {}),
  })
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = found
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage()
  }, [fetchNextPage, hasNextPage, isFetchingNextPage])
  const rows = useMemo(() => found.data?.pages.flatMap((page) => page.rows) ?? [], [found.data])
  const first = found.data?.pages[0]
  return {
    query: found,
    rows,
    total: first?.total,
    isEstimate: first?.isEstimate ?? false,
    more,
    isLoadingMore: isFetchingNextPage,
  }
}
