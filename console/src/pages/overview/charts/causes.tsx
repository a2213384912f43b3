/** Failures over time by cause, and of the whole time in a table. */
import { Button, Group, SegmentedControl, Text } from '@mantine/core'
import { IconAlertCircle } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../../api/client'
import type { Search } from '../../../app/search'
import { HUES, SERIES } from '../../../app/theme'
import { Cause } from '../../../parts/badges'
import { Chart } from '../../../parts/chart'
import type { Figure, Series } from '../../../parts/figure/figure'
import { count, percent } from '../../../parts/number'
import { Failed, Loading } from '../../../parts/states'
import { useGateway } from '../../../words/gateway'
import { useDistribution, windowFor } from '../asks'
import { clockOf } from '../clock'
import { Go } from '../go'
import type { Every } from '../live'
import classes from '../overview.module.css'
import type { FailureList } from '../target'
import { useBrush, useChoice, useSlots } from './axes'
import { type Parts, useParts, WHOSE, type Whose } from './each-slot'
import { iso, type Slot } from './slots'

/** As many causes have a colour of their own; the rest is one. */
const MOST = 7

export function Causes({ window, every }: { window: Search; every: Every }) {
  const { t, i18n } = useTranslation(['overview', 'common'])
  const [whose, choose] = useChoice('of', WHOSE)
  const navigate = useNavigate()
  const brush = useBrush()
  const slots = useSlots(window)
  const all = useDistribution(windowFor(window), whose, 'cause', every)
  const { parts, failed, retry } = useParts(slots, whose, every)
  const names = useMemo(() => named(all.data?.items ?? []), [all.data])
  const figure = useMemo(() => figureOf(slots, parts, names, t('causes.others')), [slots, parts, names, t])
  if (all.error && !all.data) return <Failed thrown={all.error} retry={() => void all.refetch()} />
  if (!all.data) return <Loading rows={12} />
  const { total } = all.data
  const open = ({ series, at }: { series: string; at: number }) => {
    const slot = slots.find(({ from }) => from === at)
    const time = slot ? { start_time: iso(slot.from), end_time: iso(slot.to) } : window
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
      {failed.length > 0 && (
        <Group gap="xs" mb={4} role="alert">
          <IconAlertCircle size={14} color="var(--mantine-color-red-filled)" aria-hidden />
          <Text size="xs">{t('causes.missing', { count: failed.length, of: String(slots.length), from: failed.map((at) => clockOf(i18n.language, Date.now())(slots[at]?.from ?? 0)).join(', ') })}</Text>
          <Button size="compact-xs" variant="default" onClick={retry}>
            {t('common:state.retry')}
          </Button>
        </Group>
      )}
      <Chart figure={figure} label={t('causes.label', { count: total })} height={200} isNamed onBrush={brush} onChoose={open} />
      <Text size="xs" mt={2}>
        {t('causes.brush')}
      </Text>
      <Table found={all.data} names={names} whose={whose} window={window} />
    </>
  )
}

/** The causes that have a colour, in an order that does not change with how many there are of each. */
function named(items: Of<'ErrorShare'>[]): string[] {
  return items
    .slice(0, MOST)
    .map(({ value }) => value)
    .sort()
}

const colour = (at: number) => SERIES[at % SERIES.length] ?? HUES.grey
const OTHERS = SERIES.indexOf(HUES.yellow)

function figureOf(slots: Slot[], parts: Parts['parts'], names: string[], others: string): Figure {
  const bars = (name: string, at: number, of: (items: Of<'ErrorShare'>[]) => number): Series => ({
    name,
    kind: 'bar',
    color: colour(at),
    points: slots.flatMap(({ from }, slot) => (parts[slot] ? [[from, of(parts[slot])] as const] : [])),
  })
  const rest = (items: Of<'ErrorShare'>[]) => items.filter(({ value }) => !names.includes(value)).reduce((all, { count }) => all + count, 0)
  const hasOthers = parts.some((items) => rest(items ?? []) > 0)
  const [first, last] = [slots[0], slots.at(-1)]
  return {
    kind: 'timeline',
    from: first?.from ?? 0,
    to: last?.to ?? 0,
    stepMs: first ? first.to - first.from : 0,
    left: { isWhole: true },
    series: [...names.map((name, at) => bars(name, at, (items) => items.find(({ value }) => value === name)?.count ?? 0)), ...(hasOthers ? [bars(others, OTHERS, rest)] : [])],
  }
}

function Table({ found, names, whose, window }: { found: Of<'ErrorDistribution'>; names: string[]; whose: Whose; window: Search }) {
  const { t, i18n } = useTranslation('overview')
  const gateway = useGateway()
  if (found.total === 0) return <Text size="sm">{t('causes.none')}</Text>
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
          {found.items.map(({ value, count: number, share, explanation }) => (
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
              <td>{percent(share.percent, i18n.language)}</td>
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
