/**
 * How long requests took, over time: a heat map of the histograms of a dozen slots. The API has no histogram over
 * time, so each slot is asked by itself, for the one metric that is looked at.
 */
import { Group, SegmentedControl, Text, useComputedColorScheme } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import type { EChartsOption } from 'echarts'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { $api, type Of } from '../../../api/client'
import type { Search } from '../../../app/search'
import { Chart } from '../../../parts/chart'
import { count, duration } from '../../../parts/number'
import { Failed, Loading } from '../../../parts/states'
import { useOverview, windowFor } from '../asks'
import { clockOf } from '../clock'
import type { Every } from '../live'
import { useChoice, useSlots } from './axes'
import { heatOf, type Heat } from './heat'
import { iso, type Slot } from './slots'

const METRICS = ['duration', 'time_to_first_token'] as const
type Metric = (typeof METRICS)[number]

const CLOSED_MS = 5 * 60_000

/** From nothing to most, one hue, told apart by lightness. */
const HEAT = {
  light: ['#f1f5fa', '#b0cbee', '#5f95df', '#245faf', '#0b2e5c'],
  dark: ['#2b2f36', '#1f4a80', '#2e6bc2', '#7fb0f0', '#e3effc'],
} as const

export function Latency({ window, every }: { window: Search; every: Every }) {
  const { t, i18n } = useTranslation('overview')
  const scheme = useComputedColorScheme('light')
  const [metric, choose] = useChoice('metric', METRICS)
  const slots = useSlots(window)
  const overview = useOverview(windowFor(window), every)
  const histograms = useHistograms(slots, metric, every)
  const heat = useMemo(() => heatOf(histograms.buckets), [histograms.buckets])
  const option = useMemo(() => optionOf(slots, heat, HEAT[scheme], i18n.language, t('latency.requests')), [slots, heat, scheme, i18n.language, t])
  if (histograms.error) return <Failed thrown={histograms.error} />
  if (histograms.isPending || !overview.data) return <Loading rows={8} />
  const times = overview.data[metric]
  const label = t('latency.label', { p50: duration(times.p50), p95: duration(times.p95), p99: duration(times.p99) })
  return (
    <>
      <Group justify="space-between" gap="xs" mb={4}>
        <SegmentedControl size="xs" aria-label={t('latency.metric')} value={metric} onChange={choose} data={METRICS.map((value) => ({ value, label: t(`latency.${value}`) }))} />
        <Text size="xs">
          p50 {duration(times.p50)} · p95 {duration(times.p95)} · <strong>p99 {duration(times.p99)}</strong> · {count(times.count, i18n.language)} {t('latency.requests')}
        </Text>
      </Group>
      {times.count === 0 ? <Text size="sm">{t('latency.none')}</Text> : <Chart option={option} label={label} height={222} />}
    </>
  )
}

function useHistograms(slots: Slot[], metric: Metric, every: Every): { buckets: (Of<'LatencyBucket'>[] | undefined)[]; isPending: boolean; error: unknown } {
  return useQueries({
    queries: slots.map((slot) =>
      $api.queryOptions(
        'get',
        '/api/v1/admin/ops/dashboard/latency-histogram',
        { params: { query: { start_time: iso(slot.from), end_time: iso(slot.to), metric } } },
        slot.isOpen ? { refetchInterval: every } : { staleTime: CLOSED_MS },
      ),
    ),
    combine: (answers) => ({
      buckets: answers.map(({ data }) => data?.buckets),
      isPending: answers.every(({ isPending }) => isPending),
      error: answers.find(({ data, error }) => error && !data)?.error,
    }),
  })
}

function optionOf(slots: Slot[], heat: Heat, colours: readonly string[], language: string, requests: string): EChartsOption {
  const clock = clockOf(language, Date.now())
  const columns = slots.map(({ from }) => clock(from))
  const rows = heat.rows.map(({ from_ms, to_ms }) => (to_ms === null || to_ms === undefined ? `> ${duration(from_ms)}` : `≤ ${duration(to_ms)}`))
  return {
    grid: { left: 8, right: 12, top: 8, bottom: 4, containLabel: true },
    tooltip: {
      formatter: (given: unknown) => {
        const value = (given as { value: [number, number, number] }).value
        return `${columns[value[0]] ?? ''}  ${rows[value[1]] ?? ''}: ${value[2]} ${requests}`
      },
    },
    xAxis: { type: 'category', data: columns, splitArea: { show: false } },
    yAxis: { type: 'category', data: rows, splitArea: { show: false } },
    visualMap: { show: false, min: 0, max: Math.max(1, heat.most), dimension: 2, inRange: { color: [...colours] } },
    series: [{ type: 'heatmap', data: heat.cells.map(({ column, row, count }) => [column, row, count]), itemStyle: { borderWidth: 1, borderColor: 'transparent' } }],
  }
}
