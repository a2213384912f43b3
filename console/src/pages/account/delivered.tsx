/** What an account delivered in the window that is looked at. */
import { SimpleGrid, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Of } from '../../api/client'
import { HUES } from '../../app/theme'
import { Chart } from '../../parts/chart'
import { type Figure as Charted, pointsOf, spanOf } from '../../parts/figure/figure'
import { count, duration, percent, usd } from '../../parts/number'
import { Loaded } from '../../parts/states'
import { useBrush, useWindow } from '../../parts/window'

export function Delivered({ id }: { id: number }) {
  const { t, i18n } = useTranslation('accounts')
  const query = { ...useWindow(), account_id: id } as never
  const overview = useQuery({ queryKey: ['account overview', query], queryFn: async ({ signal }) => (await api.GET('/api/v1/admin/ops/dashboard/overview', { params: { query }, signal })).data as Of<'Overview'>, refetchInterval: 30_000 })
  const trend = useQuery({ queryKey: ['account trend', query], queryFn: async ({ signal }) => (await api.GET('/api/v1/admin/ops/dashboard/throughput-trend', { params: { query }, signal })).data as Of<'ThroughputTrend'>, refetchInterval: 30_000 })
  const language = i18n.language
  return (
    <Stack gap="xs">
      <Loaded query={overview} rows={4}>
        {({ counts, upstream, duration: took, time_to_first_token: ttft, cost_usd }) => (
          <SimpleGrid cols={{ base: 2, xs: 3, sm: 4 }} spacing="xs">
            <Figure label={t('delivered.served')} value={count(counts.successes, language)} more={t('delivered.of', { count: counts.requests })} />
            <Figure label={t('delivered.attempts')} value={count(counts.attempts, language)} more={t('delivered.failed', { count: counts.attempts_failed })} />
            <Figure label={t('delivered.level')} value={percent(upstream.level.percent, language)} more={`429: ${count(counts.attempts_429, language)} · 529: ${count(counts.attempts_529, language)}`} />
            <Figure label={t('delivered.cost')} value={usd(cost_usd, language)} />
            <Figure label={t('delivered.input')} value={count(counts.input_tokens, language)} />
            <Figure label={t('delivered.output')} value={count(counts.output_tokens, language)} />
            <Figure label={t('delivered.ttft')} value={duration(ttft.p50)} more={`p95 ${duration(ttft.p95)}`} />
            <Figure label={t('delivered.took')} value={duration(took.p50)} more={`p95 ${duration(took.p95)}`} />
          </SimpleGrid>
        )}
      </Loaded>
      <Loaded query={trend} rows={5}>
        {(trend) => <Trend trend={trend} />}
      </Loaded>
    </Stack>
  )
}

function Figure({ label, value, more }: { label: string; value: string; more?: string }) {
  return (
    <div>
      <Text size="xs">{label}</Text>
      <Text fw={700}>{value}</Text>
      <Text size="xs" mih="1.4em">
        {more}
      </Text>
    </div>
  )
}

function Trend({ trend }: { trend: Of<'ThroughputTrend'> }) {
  const { points, step_ms } = trend
  const { t, i18n } = useTranslation('accounts')
  const brush = useBrush()
  const figure = useMemo((): Charted => {
    const bars = (name: string, color: string, value: (point: (typeof points)[number]) => number) => ({ name, color, kind: 'bar' as const, points: pointsOf(points, value) })
    return {
      kind: 'timeline',
      ...spanOf(trend),
      stepMs: step_ms,
      left: { isWhole: true },
      series: [bars(t('delivered.served'), HUES.blue, ({ successes }) => successes), bars(t('delivered.notServed'), HUES.vermilion, ({ requests, successes }) => requests - successes)],
    }
  }, [trend, points, step_ms, t])
  const sum = points.reduce((sum, { requests }) => sum + requests, 0)
  const most = Math.max(0, ...points.map(({ requests }) => requests))
  const label = t('delivered.chart', { sum: count(sum, i18n.language), most: count(most, i18n.language), step: duration(step_ms) })
  return (
    <>
      <Chart figure={figure} label={label} height={160} onBrush={brush} />
      <Text size="xs">{label}</Text>
    </>
  )
}
