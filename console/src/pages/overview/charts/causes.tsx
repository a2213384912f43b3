/** Failures over time by cause, and of the whole time in a table. */
import { Group, SegmentedControl, Text } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Search } from '../../../app/search'
import { Cause } from '../../../parts/badges'
import { Chart } from '../../../parts/chart'
import { count, percent } from '../../../parts/number'
import { Failed, Loading } from '../../../parts/states'
import { useBrush, windowFrom } from '../../../parts/window'
import { useGateway } from '../../../words/gateway'
import { useCauses, windowFor } from '../asks'
import { Go } from '../go'
import type { Every } from '../live'
import classes from '../overview.module.css'
import type { FailureList } from '../target'
import { useChoice } from './axes'
import { figureOf, named, type Row, rowsOf, totalOf, type Trend } from './stack'

const WHOSE = ['requests', 'recovered', 'attempts'] as const

export function Causes({ window, every }: { window: Search; every: Every }) {
  const { t, i18n } = useTranslation('overview')
  const [whose, choose] = useChoice('of', WHOSE)
  const navigate = useNavigate()
  const brush = useBrush()
  const { data, error, refetch } = useCauses(windowFor(window), whose, every)
  const names = useMemo(() => named(data?.values ?? []), [data])
  const figure = useMemo(() => data && figureOf(data, names, t('causes.others')), [data, names, t])
  if (error && !data) return <Failed thrown={error} retry={() => void refetch()} />
  if (!data || !figure) return <Loading rows={12} />
  const total = totalOf(data)
  const open = ({ series, at, to }: { series: string; at: number; to: number }) => {
    const target = listOf(data.of, windowFrom(at, to), names.includes(series) ? series : undefined)
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
      <Table rows={rowsOf(data, names)} whose={data.of} window={window} />
    </>
  )
}

interface Shown {
  rows: Row[]
  /** Of the answer: what is kept until the next one is of what was asked before. */
  whose: Trend['of']
  window: Search
}

function Table({ rows, whose, window }: Shown) {
  const { t, i18n } = useTranslation('overview')
  const gateway = useGateway()
  if (rows.length === 0) return <Text size="sm">{t('causes.none')}</Text>
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
          {rows.map(({ cause, color, count: number, share }) => (
            <tr key={cause?.value ?? ''}>
              <td title={cause && (gateway.explanation(cause.value, cause.explanation ?? '') || undefined)}>
                <span className={classes.swatch} style={{ background: color }} aria-hidden />
                {cause ? <Cause cause={cause.value} /> : t('causes.others')}
              </td>
              <td>
                {cause ? (
                  <Go target={listOf(whose, window, cause.value)} size="xs">
                    {count(number, i18n.language)}
                  </Go>
                ) : (
                  count(number, i18n.language)
                )}
              </td>
              <td>{percent(share, i18n.language)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** The list that a number of failures counts. */
function listOf(whose: Trend['of'], window: Search, cause?: string): FailureList {
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
