/** How long requests took, over time: a heat map of the histograms of a dozen slots. */
import { Group, SegmentedControl, Text } from '@mantine/core'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Search } from '../../../app/search'
import { Chart } from '../../../parts/chart'
import type { Figure } from '../../../parts/figure/figure'
import { count, duration } from '../../../parts/number'
import { Failed, Loading } from '../../../parts/states'
import { useOverview, windowFor } from '../asks'
import type { Every } from '../live'
import { useChoice, useSlots } from './axes'
import { METRICS, useHistograms } from './each-slot'
import { heatOf, type Heat } from './heat'
import type { Slot } from './slots'

export function Latency({ window, every }: { window: Search; every: Every }) {
  const { t, i18n } = useTranslation('overview')
  const [metric, choose] = useChoice('metric', METRICS)
  const slots = useSlots(window)
  const overview = useOverview(windowFor(window), every)
  const histograms = useHistograms(slots, metric, every)
  const heat = useMemo(() => heatOf(histograms.buckets), [histograms.buckets])
  const figure = useMemo(() => figureOf(slots, heat, (number) => `${count(number, i18n.language)} ${t('latency.requests')}`), [slots, heat, i18n.language, t])
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
      {times.count === 0 ? <Text size="sm">{t('latency.none')}</Text> : <Chart figure={figure} label={label} height={222} />}
    </>
  )
}

function figureOf(slots: Slot[], { rows, cells, most }: Heat, say: (count: number) => string): Figure {
  return {
    kind: 'heat',
    from: slots[0]?.from ?? 0,
    to: slots.at(-1)?.to ?? 0,
    columns: slots,
    rows: rows.map(({ from_ms, to_ms }) => (to_ms === null || to_ms === undefined ? `> ${duration(from_ms)}` : `≤ ${duration(to_ms)}`)),
    cells,
    most,
    say,
  }
}
