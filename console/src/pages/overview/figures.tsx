/** The numbers of the window. Each leads to the list that it counts. */
import { Skeleton, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../api/client'
import type { Search } from '../../app/search'
import { numberFormat } from '../../parts/format'
import { useJoined } from '../../parts/joined'
import { count, duration, percent } from '../../parts/number'
import { Failed } from '../../parts/states'
import { useOverview, windowFor } from './asks'
import { Budgets } from './budgets'
import { Figure } from './figure'
import { Go } from './go'
import { HealthFigure } from './health'
import type { Live } from './live'
import classes from './overview.module.css'
import type { Overview } from './state'
import type { Target } from './target'
import { overThreshold } from './thresholds'

export function Figures({ window, live }: { window: Search; live: Live }) {
  const { t } = useTranslation('overview')
  const { data, isError, error, refetch } = useOverview(windowFor(window), live.every)
  if (isError && !data) return <Failed thrown={error} retry={() => void refetch()} />
  if (!data) {
    return (
      <div className={classes.figures} role="status" aria-label={t('common:state.loading' as never)}>
        {Array.from({ length: 7 }, (_, at) => (
          <Skeleton key={at} height={140} className={classes.figure} data-wide={at > 3} />
        ))}
      </div>
    )
  }
  const of = { overview: data, window }
  return (
    <>
      <div className={classes.figures}>
        <HealthFigure health={data.health} />
        <ServiceLevel {...of} />
        <ErrorRate {...of} />
        <UpstreamErrors {...of} />
        <Budgets every={live.every} />
        <Rates overview={data} />
        <Times {...of} />
      </div>
      {!data.is_complete && <Text size="xs">{t('figure.behind')}</Text>}
      {data.successes_are_sampled && <Text size="xs">{t('figure.sampled')}</Text>}
    </>
  )
}

interface Shown {
  overview: Overview
  window: Search
}

function Value({ target, children }: { target: Target; children: React.ReactNode }) {
  return (
    <Go target={target} className={classes.value} c="inherit" underline="hover">
      {children}
    </Go>
  )
}

function ServiceLevel({ overview, window }: Shown) {
  const { t, i18n } = useTranslation('overview')
  const { sla } = overview
  return (
    <Figure label={t('figure.sla')} judged={overThreshold(overview, 'sla_percent_min')} threshold={(least) => t('figure.atLeast', { value: percent(least, i18n.language) })}>
      <Value target={{ to: '/errors', search: { ...window, view: 'errors' } }}>{percent(sla.percent, i18n.language)}</Value>
      <Text size="xs">{t('figure.slaNote', { part: count(sla.part, i18n.language), of: count(sla.of, i18n.language) })}</Text>
    </Figure>
  )
}

function ErrorRate({ overview, window }: Shown) {
  const { t, i18n } = useTranslation('overview')
  const { error_rate, counts } = overview
  const excluded = counts.client_errors + counts.business_limited + counts.client_gone
  return (
    <Figure label={t('figure.errorRate')} judged={overThreshold(overview, 'request_error_rate_percent_max')} threshold={(most) => t('figure.atMost', { value: percent(most, i18n.language) })}>
      <Value target={{ to: '/errors', search: { ...window, view: 'errors' } }}>{percent(error_rate.percent, i18n.language)}</Value>
      <Text size="xs">{t('figure.failures', { count: error_rate.part, number: count(error_rate.part, i18n.language) })}</Text>
      <Go target={{ to: '/errors', search: { ...window, view: 'excluded' } }} size="xs">
        {t('figure.excluded', { number: count(excluded, i18n.language) })}
      </Go>
    </Figure>
  )
}

function UpstreamErrors({ overview, window }: Shown) {
  const { t, i18n } = useTranslation('overview')
  const { error_rate, rate_429, rate_529 } = overview.upstream
  const apart: [string, Of<'Percent'>, string][] = [
    [t('figure.rate429'), rate_429, '429'],
    [t('figure.rate529'), rate_529, '529'],
  ]
  return (
    <Figure label={t('figure.upstream')} judged={overThreshold(overview, 'upstream_error_rate_percent_max')} threshold={(most) => t('figure.atMost', { value: percent(most, i18n.language) })}>
      <Value target={{ to: '/upstream-errors', search: window }}>{percent(error_rate.percent, i18n.language)}</Value>
      <Text size="xs">{t('figure.upstreamNote', { number: count(error_rate.part, i18n.language), of: count(error_rate.of, i18n.language) })}</Text>
      <table className={classes.numbers}>
        <tbody>
          {apart.map(([name, share, status_codes]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>
                <Go target={{ to: '/upstream-errors', search: { ...window, status_codes } }} size="xs">
                  {percent(share.percent, i18n.language)}
                </Go>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Figure>
  )
}

function Rates({ overview }: Pick<Shown, 'overview'>) {
  const { t, i18n } = useTranslation('overview')
  const rate = (value: number | null | undefined) => (value === null || value === undefined ? '–' : value < 100 ? numberFormat(i18n.language, { maximumSignificantDigits: 3 }).format(value) : count(Math.round(value), i18n.language))
  const rows = [
    [t('figure.requestsPerSecond'), overview.qps],
    [t('figure.tokensPerSecond'), overview.tps],
  ] as const
  return (
    <Figure label={t('figure.throughput')} isWide>
      <table className={classes.numbers}>
        <thead>
          <tr>
            <td />
            <th scope="col">{t('figure.current')}</th>
            <th scope="col">{t('figure.peak')}</th>
            <th scope="col">{t('figure.average')}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, per]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>
                <strong>{rate(per.current)}</strong>
              </td>
              <td title={per.peak_at ? t('figure.peakAt', { at: new Date(per.peak_at).toLocaleString(i18n.language) }) : undefined}>{rate(per.peak)}</td>
              <td>{rate(per.average)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Figure>
  )
}

function Times({ overview }: Shown) {
  const { t, i18n } = useTranslation('overview')
  const { named } = useJoined()
  const rows = [
    [t('figure.duration'), overview.duration],
    [t('figure.ttft'), overview.time_to_first_token],
  ] as const
  return (
    <Figure label={t('figure.times')} isWide judged={overThreshold(overview, 'ttft_p99_ms_max')} threshold={(most) => named(`${t('figure.ttft')} p99`, t('figure.atMost', { value: duration(most) }))}>
      <table className={classes.numbers}>
        <thead>
          <tr>
            <td />
            <th scope="col">p50</th>
            <th scope="col">p95</th>
            <th scope="col">p99</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, times]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{duration(times.p50)}</td>
              <td>{duration(times.p95)}</td>
              <td>
                <strong>{duration(times.p99)}</strong>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <Text size="xs">{t('figure.ofSuccesses', { number: count(overview.duration.count, i18n.language) })}</Text>
    </Figure>
  )
}
