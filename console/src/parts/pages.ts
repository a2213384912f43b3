/** Lists that go on: page after page by the cursor of the one before, so that nothing is missed or repeated. */
import { type InfiniteData, infiniteQueryOptions, keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { useCallback, useMemo } from 'react'
import type { Search } from '../app/search'

interface Page<Row, Beside> {
  rows: Row[]
  next?: string | null
  total?: number
  isEstimate?: boolean
  /** What the answer says beside its rows. */
  beside?: Beside
}

/** The list does not go on: why, and how to try again. */
export interface Stopped {
  thrown: unknown
  again: () => void
}

/** What goes on over several pages is not asked for again by itself: that would be one request for each of them. */
const isShort = (query: { state: { data?: unknown } }) => ((query.state.data as InfiniteData<unknown> | undefined)?.pages.length ?? 0) <= 1

type Ask<Row, Beside> = (query: Search, signal: AbortSignal) => Promise<Page<Row, Beside>>

/** One list, as a query. A hundred thousand rows are not compared with themselves each time that more come. */
export function pagesOf<Row, Beside = never>(key: string, query: Search, ask: Ask<Row, Beside>) {
  return infiniteQueryOptions({
    queryKey: [key, query],
    queryFn: ({ pageParam, signal }) => ask(pageParam ? { ...query, cursor: pageParam } : query, signal),
    initialPageParam: '',
    getNextPageParam: (page) => page.next || undefined,
    structuralSharing: false,
  })
}

/** Rows so far, and how to have more. `ask` asks the API for one page; with `keepsOld` the rows before a change of the query stay until the new ones are there. */
export function usePages<Row, Beside = never>(key: string, query: Search, ask: Ask<Row, Beside>, options: { refetchInterval?: number; keepsOld?: boolean } = {}) {
  const found = useInfiniteQuery({
    ...pagesOf(key, query, ask),
    refetchOnWindowFocus: isShort,
    refetchOnMount: isShort,
    refetchInterval: options.refetchInterval,
    ...(options.keepsOld ? { placeholderData: keepPreviousData } : {}),
  })
  const { fetchNextPage, hasNextPage, isFetchingNextPage, isFetchNextPageError } = found
  // One that failed is asked for again when somebody says so, not because its place is still in sight.
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage()
  }, [fetchNextPage, hasNextPage, isFetchingNextPage, isFetchNextPageError])
  const stopped = useMemo<Stopped | undefined>(
    () => (isFetchNextPageError ? { thrown: found.error, again: () => void fetchNextPage() } : undefined),
    [fetchNextPage, found.error, isFetchNextPageError],
  )
  const rows = useMemo(() => found.data?.pages.flatMap((page) => page.rows) ?? [], [found.data])
  const first = found.data?.pages[0]
  return {
    query: found,
    rows,
    total: first?.total,
    isEstimate: first?.isEstimate ?? false,
    beside: first?.beside,
    more,
    stopped,
    isLoadingMore: isFetchingNextPage,
  }
}
