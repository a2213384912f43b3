/** What this page asks the API. What was shown stays until the next answer is there: nothing jumps. */
import { keepPreviousData, useQueries, useQuery } from '@tanstack/react-query'
import { $api } from '../../api/client'
import { queries } from '../../api/queries'
import type { Of } from '../../api/client'
import type { Search } from '../../app/search'
import { PLATFORMS } from '../../parts/words-of'
import type { Every } from './live'
import type { Facts, Platform, Trend } from './state'

/** What of a request takes time that is looked at here. */
export type Metric = 'duration' | 'time_to_first_token'

type Span = '5m' | '30m' | '1h' | '6h' | '24h' | '7d' | '30d'

/** The window of the address, in the API's types. What it does not know it refuses itself. */
export interface Window {
  time_range?: Span
  start_time?: string
  end_time?: string
}

export function windowFor(search: Search): Window {
  return search as Window
}

const ADMIN = '/api/v1/admin/ops'
const kept = (every: Every) => ({ refetchInterval: every, placeholderData: keepPreviousData }) as const

const overviewOf = (window: Window) => $api.queryOptions('get', `${ADMIN}/dashboard/overview`, { params: { query: window } })
const availabilityNow = () => $api.queryOptions('get', `${ADMIN}/account-availability`, {})
const firingNow = () => $api.queryOptions('get', `${ADMIN}/alert-events`, { params: { query: { status: 'firing', page_size: 50 } } })
const issuesOf = (window: Window, state: string) => $api.queryOptions('get', `${ADMIN}/issues`, { params: { query: { ...window, sort: '-impact', page_size: 5, state } } })
const topIssuesOf = (window: Window) => issuesOf(window, 'new,ongoing,escalating,regressed')
const ignoredOf = (window: Window) => issuesOf(window, 'ignored')
const trendOf = (window: Window, platform?: Platform) => $api.queryOptions('get', `${ADMIN}/dashboard/error-trend`, { params: { query: platform ? { ...window, platform } : window } })

export function useOverview(window: Window, every: Every) {
  return useQuery({ ...overviewOf(window), ...kept(every) })
}

export function useAvailability(every: Every) {
  return useQuery({ ...availabilityNow(), ...kept(every) })
}

export function useFiring(every: Every) {
  return useQuery({ ...firingNow(), ...kept(every) })
}

export function useTopIssues(window: Window, every: Every) {
  return useQuery({ ...topIssuesOf(window), ...kept(every) })
}

/** What somebody put aside: it is shown where clients still meet it, and nothing else explains what fails. */
function useIgnoredIssues(window: Window, every: Every) {
  return useQuery({ ...ignoredOf(window), ...kept(every) })
}

export function useConcurrency(every: Every) {
  return $api.useQuery('get', `${ADMIN}/concurrency`, {}, kept(every))
}

export function useErrorTrend(window: Window, every: Every) {
  return useQuery({ ...trendOf(window), ...kept(every) })
}

export function useThroughput(window: Window, every: Every) {
  return $api.useQuery('get', `${ADMIN}/dashboard/throughput-trend`, { params: { query: window } }, kept(every))
}

/** Failures by cause, over time. */
export function useCauses(window: Window, of: Of<'Of'>, every: Every) {
  return $api.useQuery('get', `${ADMIN}/dashboard/error-distribution-trend`, { params: { query: { ...window, of, by: 'cause' } } }, kept(every))
}

/** How long requests took, over time. */
export function useLatencies(window: Window, metric: Metric, every: Every) {
  return $api.useQuery('get', `${ADMIN}/dashboard/latency-trend`, { params: { query: { ...window, metric } } }, kept(every))
}

export function useDistribution(window: Window, of: Of<'Of'>, by: Of<'By'>, every: Every, enabled = true) {
  return $api.useQuery('get', `${ADMIN}/dashboard/error-distribution`, { params: { query: { ...window, of, by } } }, { ...kept(every), enabled })
}

/** Each platform by itself: what failed over time. */
function useTrends(platforms: Platform[], window: Window, every: Every): { trends: Trend[]; isPending: boolean; error: unknown } {
  return useQueries({
    queries: platforms.map((platform) => ({ ...trendOf(window, platform), ...kept(every) })),
    combine: (answers) => ({
      isPending: answers.some(({ isPending }) => isPending),
      error: answers.find(({ data, error }) => error && !data)?.error,
      trends: answers.flatMap(({ data }, at) => {
        const platform = platforms[at]
        return data && platform ? [{ platform, stepMs: data.step_ms, points: data.points }] : []
      }),
    }),
  })
}

/** Whether something goes on now cannot be seen in steps of hours: of a long window its last day is looked at. */
function fine(window: Window): Window {
  return window.time_range === '7d' || window.time_range === '30d' ? { time_range: '24h' } : window
}

/** Those that have accounts. */
function platformsOf(availability: Of<'Availability'> | undefined): Platform[] {
  return availability?.platforms.filter(({ total }) => total > 0).map(({ platform }) => platform) ?? []
}

/** What the sentence is made of, asked before there is a page to ask it: `useFacts` finds it there. */
export function askAhead(window: Window): void {
  void queries.prefetchQuery(overviewOf(window))
  void queries.prefetchQuery(availabilityNow())
  void queries.prefetchQuery(topIssuesOf(window))
  void queries.prefetchQuery(ignoredOf(window))
  void queries.prefetchQuery(firingNow())
  // Which of them have accounts is being asked: an answer that is not needed is sooner there than one that waits for that.
  for (const platform of PLATFORMS) void queries.prefetchQuery(trendOf(fine(window), platform))
}

/** Everything that the sentence is made of; `undefined` until all of it was asked. */
export function useFacts(window: Window, every: Every, now: number): { facts?: Facts; error?: unknown; retry: () => void } {
  const isNow = window.end_time === undefined
  const overview = useOverview(window, every)
  const availability = useAvailability(every)
  const firing = useFiring(every)
  const issues = useTopIssues(window, every)
  const ignored = useIgnoredIssues(window, every)
  const platforms = platformsOf(availability.data)
  const trends = useTrends(platforms, fine(window), every)
  const asked = [overview, availability, firing, issues, ignored]
  const retry = () => void Promise.all(asked.map((answer) => answer.refetch()))
  // A part that is missing is not a part that is well.
  const error = asked.find((answer) => answer.isError && !answer.data)?.error ?? trends.error
  if (error) return { error, retry }
  if (trends.isPending || !overview.data || asked.some((answer) => answer.isPending)) return { retry }
  return {
    retry,
    facts: {
      overview: overview.data,
      trends: trends.trends,
      accounts: isNow ? (availability.data?.accounts ?? []) : [],
      alerts: isNow ? (firing.data?.items ?? []) : [],
      issues: [...(issues.data?.items ?? []), ...(ignored.data?.items ?? [])],
      now,
      isNow,
    },
  }
}

/** Objectives with what is left of their budgets: the first few. */
export function useBudgets(every: Every, most: number) {
  const list = $api.useQuery('get', `${ADMIN}/objectives`, {}, { ...kept(every), staleTime: 60_000 })
  const shown = list.data?.items.slice(0, most) ?? []
  const levels = useQueries({
    queries: shown.map(({ id }) => $api.queryOptions('get', `${ADMIN}/objectives/{id}`, { params: { path: { id } } }, kept(every))),
    combine: (answers) => ({ levels: answers.map(({ data }) => data), isPending: answers.some(({ isPending }) => isPending) }),
  })
  return { list, shown, ...levels }
}

/** Each platform by itself, as the figures have it. */
export function usePlatformOverviews(platforms: Platform[], window: Window, every: Every) {
  return useQueries({
    queries: platforms.map((platform) => $api.queryOptions('get', `${ADMIN}/dashboard/overview`, { params: { query: { ...window, platform } } }, kept(every))),
    combine: (answers) => answers.map(({ data }) => data),
  })
}
