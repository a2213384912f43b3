/** How long requests took, over time, as a heat map. */
import { Group, SegmentedControl, Text } from '@mantine/core'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../../api/client'
import type { Search } from '../../../app/search'
import { Chart } from '../../../parts/chart'
import { type Figure, spanOf } from '../../../parts/figure/figure'
import { count, duration } from '../../../parts/number'
import { Failed, Loading } from '../../../parts/states'
import { type Metric, useLatencies, useOverview, windowFor } from '../asks'
import type { Every } from '../live'
import { useChoice } from './axes'
import { columnsOf, heatOf } from './heat'

const METRICS: readonly Metric[] = ['duration', 'time_to_first_token']

export function Latency({ window, every }: { window: Search; every: Every }) {
  const { t, i18n } = useTranslation('overview')
  const [metric, choose] = useChoice('metric', METRICS)
  const overview = useOverview(windowFor(window), every)
  const { data, error, refetch } = useLatencies(windowFor(window), metric, every)
  const figure = useMemo(() => data && figureOf(data, (number) => `${count(number, i18n.language)} ${t('latency.requests')}`), [data, i18n.language, t])
  if (error && !data) return <Failed thrown={error} retry={() => void refetch()} />
  if (!data || !figure || !overview.data) return <Loading rows={8} />
  // What is kept until the next answer is of what was measured before.
  const shown = data.metric === metric ? figure : undefined
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
      {times.count === 0 ? <Text size="sm">{t('latency.none')}</Text> : <Chart figure={shown} label={label} height={222} />}
    </>
  )
}

function figureOf(trend: Of<'LatencyTrend'>, say: (count: number) => string): Figure {
  const { rows, cells, most } = heatOf(trend)
  return {
    kind: 'heat',
    ...spanOf(trend),
    columns: columnsOf(trend),
    rows: rows.map(({ from_ms, to_ms }) => (to_ms === null || to_ms === undefined ? `> ${duration(from_ms)}` : `≤ ${duration(to_ms)}`)),
    cells,
    most,
    say,
  }
}
