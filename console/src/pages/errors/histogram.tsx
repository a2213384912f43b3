/** Failures over time above the list. A brushed span becomes the window. Takes what roll-ups know, and says what it leaves out. */
import { Box, Text } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { memo, useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { $api, type Of } from '../../api/client'
import { problemOf } from '../../api/problem'
import { pick, type Search } from '../../app/search'
import { HUES } from '../../app/theme'
import { Chart } from '../../parts/chart'
import { type Figure, pointsOf, spanOf } from '../../parts/figure/figure'
import { FAILURES, setOf } from '../../parts/filters/table'
import { count } from '../../parts/number'
import { useBrush, useWindow } from '../../parts/window'

const TAKEN = ['platform', 'group_id', 'account_id', 'model', 'api_key_id', 'user_id'] as const
const HEIGHT = 130

/** Where it is asked for, which is also the beginning of its query's key. */
export const TREND = ['get', '/api/v1/admin/ops/dashboard/error-trend'] as const

/** How often while rows come by themselves: as often as there can be something new in its narrowest steps. */
const LIVE_MS = 10_000

type Point = Of<'ErrorPoint'>

/** What is stacked, by view: what counts against the service, and what does not. */
const SERIES = [
  ['failures', (point: Point) => point.failures, HUES.vermilion, ['errors', 'all']],
  ['client_errors', (point: Point) => point.client_errors, HUES.sky, ['excluded', 'all']],
  ['business_limited', (point: Point) => point.business_limited, HUES.orange, ['excluded', 'all']],
  ['client_gone', (point: Point) => point.client_gone, HUES.grey, ['excluded', 'all']],
] as const

export function trendOf(search: Search, window: Search) {
  return $api.queryOptions(...TREND, { params: { query: { ...window, ...pick(search, TAKEN) } as never } })
}

export const Histogram = memo(function Histogram({ search, isLive }: { search: Search; isLive: boolean }) {
  const { t, i18n } = useTranslation('errors')
  const window = useWindow()
  const brush = useBrush()
  const found = useQuery({ ...trendOf(search, window), staleTime: 15_000, placeholderData: keepPreviousData, refetchInterval: isLive && LIVE_MS })
  const view = search.view ?? 'all'
  const trend = found.data
  const shown = useMemo(() => SERIES.filter(([, , , views]) => (views as readonly string[]).includes(view)), [view])
  const figure = useMemo(
    (): Figure | undefined =>
      trend && {
        kind: 'timeline',
        ...spanOf(trend),
        stepMs: trend.step_ms,
        left: { isWhole: true },
        series: shown.map(([name, value, color]) => ({ name: t(`histogram.${name}`), kind: 'bar', color, points: pointsOf(trend.points, value) })),
      },
    [trend, shown, t],
  )
  const total = (trend?.points ?? []).reduce((sum, point) => sum + shown.reduce((all, [, value]) => all + value(point), 0), 0)
  const left = setOf(FAILURES, search).filter(({ name }) => !(TAKEN as readonly string[]).includes(name))
  return (
    <Box mb={4}>
      {found.isError && !found.data ? (
        <Box h={HEIGHT}>
          <Text size="xs" role="status" className="said">
            {t('histogram.failed')} {problemOf(found.error).detail}
          </Text>
        </Box>
      ) : (
        <Chart figure={figure} height={HEIGHT} label={t('histogram.label', { total: count(total, i18n.language) })} onBrush={brush} />
      )}
      <Text size="xs" mih={18}>
        {(left.length > 0 || search.q) && t('histogram.wider')}
      </Text>
    </Box>
  )
})
