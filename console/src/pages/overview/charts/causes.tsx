/** Failures over time by cause, and of the whole time in a table. */
import { Group, SegmentedControl, Text } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../../api/client'
import type { Search } from '../../../app/search'
import { HUES, SERIES } from '../../../app/theme'
import { Cause } from '../../../parts/badges'
import { Chart } from '../../../parts/chart'
import { type Figure, pointsOf, type Series, spanOf } from '../../../parts/figure/figure'
import { count, percent } from '../../../parts/number'
import { Failed, Loading } from '../../../parts/states'
import { useGateway } from '../../../words/gateway'
import { useCauses, windowFor } from '../asks'
import { Go } from '../go'
import type { Every } from '../live'
import classes from '../overview.module.css'
import type { FailureList } from '../target'
import { iso, useBrush, useChoice } from './axes'

const WHOSE = ['requests', 'recovered', 'attempts'] as const
type Whose = (typeof WHOSE)[number]
type Trend = Of<'ErrorDistributionTrend'>

/** As many causes have a colour of their own; the rest is one. */
const MOST = 7

export function Causes({ window, every }: { window: Search; every: Every }) {
  const { t, i18n } = useTranslation(['overview', 'common'])
  const [whose, choose] = useChoice('of', WHOSE)
  const navigate = useNavigate()
  const brush = useBrush()
  const { data, error, refetch } = useCauses(windowFor(window), whose, every)
  const names = useMemo(() => named(data?.values ?? []), [data])
  const figure = useMemo(() => data && figureOf(data, names, t('causes.others')), [data, names, t])
  if (error && !data) return <Failed thrown={error} retry={() => void refetch()} />
  if (!data || !figure) return <Loading rows={12} />
  const total = sum(data.values.map(({ count }) => count)) + sum(data.points.map(({ others }) => others))
  const open = ({ series, at }: { series: string; at: number }) => {
    const time = { start_time: iso(at), end_time: iso(at + data.step_ms) }
    const target = listOf(whose, time, names.includes(series) ? series : undefined)
    void navigate({ to: target.to as '/errors', search: target.search })
  }
  return (
    <>
      <Group justify="space-between" gap="xs" mb={4}>
        <SegmentedControl size="xs" aria-label={t('causes.of')} value={whose} onChange={choose} data={WHOSE.map((value) => ({ value, label: t(`causes.${value}`) }))} />
        <Text size="xs">
          {count(total, i18n.language)} {t('causes.failures')}
        </Text>
      </Group>
      <Chart figure={figure} label={t('causes.label', { count: total })} height={200} isNamed onBrush={brush} onChoose={open} />
      <Text size="xs" mt={2}>
        {t('causes.brush')}
      </Text>
      <Table values={data.values} total={total} names={names} whose={whose} window={window} />
    </>
  )
}

const sum = (counts: number[]) => counts.reduce((all, count) => all + count, 0)

/** The causes that have a colour, in an order that does not change with how many there are of each. */
function named(values: Trend['values']): string[] {
  return values
    .slice(0, MOST)
    .map(({ value }) => value)
    .sort()
}

const colour = (at: number) => SERIES[at % SERIES.length] ?? HUES.grey
const OTHERS = SERIES.indexOf(HUES.yellow)

function figureOf(trend: Trend, names: string[], others: string): Figure {
  const bars = (name: string, at: number, of: (point: Trend['points'][number]) => number): Series => ({ name, kind: 'bar', color: colour(at), points: pointsOf(trend.points, of) })
  const placeOf = (name: string) => trend.values.findIndex(({ value }) => value === name)
  const places = names.map(placeOf)
  const rest = ({ counts, others }: Trend['points'][number]) => others + sum(counts.filter((_, place) => !places.includes(place)))
  const hasOthers = trend.points.some((point) => rest(point) > 0)
  return {
    kind: 'timeline',
    ...spanOf(trend),
    stepMs: trend.step_ms,
    left: { isWhole: true },
    series: [...names.map((name, at) => bars(name, at, ({ counts }) => counts[places[at] ?? -1] ?? 0)), ...(hasOthers ? [bars(others, OTHERS, rest)] : [])],
  }
}

interface Shown {
  values: Trend['values']
  total: number
  names: string[]
  whose: Whose
  window: Search
}

function Table({ values, total, names, whose, window }: Shown) {
  const { t, i18n } = useTranslation('overview')
  const gateway = useGateway()
  if (total === 0) return <Text size="sm">{t('causes.none')}</Text>
  return (
    <div className={classes.scroll} style={{ height: 184 }} tabIndex={0} role="group" aria-label={t('causes.title')}>
      <table className={classes.numbers}>
        <thead>
          <tr>
            <th scope="col">{t('causes.cause')}</th>
            <th scope="col">{t('causes.count')}</th>
            <th scope="col">{t('causes.share')}</th>
          </tr>
        </thead>
        <tbody>
          {values.map(({ value, count: number, explanation }) => (
            <tr key={value}>
              <td title={gateway.explanation(value, explanation ?? '') || undefined}>
                <span className={classes.swatch} style={{ background: colour(names.includes(value) ? names.indexOf(value) : OTHERS) }} aria-hidden />
                <Cause cause={value} />
              </td>
              <td>
                <Go target={listOf(whose, window, value)} size="xs">
                  {count(number, i18n.language)}
                </Go>
              </td>
              <td>{percent((number / total) * 100, i18n.language)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** The list that a number of failures counts. */
function listOf(whose: Whose, window: Search, cause?: string): FailureList {
  const narrowed = cause ? { ...window, cause } : window
  switch (whose) {
    case 'requests':
      return { to: '/errors', search: narrowed }
    case 'recovered':
      return { to: '/errors', search: { ...narrowed, recovered: 'true' } }
    case 'attempts':
      return { to: '/upstream-errors', search: narrowed }
  }
}
