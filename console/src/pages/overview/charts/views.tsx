/** What clients saw after failover beside what providers delivered before it: over time, by platform, by account. */
import { Text } from '@mantine/core'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../../api/client'
import type { Search } from '../../../app/search'
import { HUES } from '../../../app/theme'
import { Chart } from '../../../parts/chart'
import { type Figure, pointsOf, spanOf } from '../../../parts/figure/figure'
import { count, percent } from '../../../parts/number'
import { Failed, Loading } from '../../../parts/states'
import { useBrush } from '../../../parts/window'
import { useAvailability, useDistribution, useErrorTrend, useOverview, usePlatformOverviews, useThroughput, windowFor } from '../asks'
import { Go } from '../go'
import type { Every } from '../live'
import classes from '../overview.module.css'
import type { Overview, Platform } from '../state'
import { deliveredOf } from './delivered'

const MOST_ACCOUNTS = 8

export function Views({ window, every }: { window: Search; every: Every }) {
  const { t, i18n } = useTranslation('overview')
  const brush = useBrush()
  const asked = windowFor(window)
  const overview = useOverview(asked, every)
  const errors = useErrorTrend(asked, every)
  const throughput = useThroughput(asked, every)
  const availability = useAvailability(every)
  const platforms = useMemo(() => availability.data?.platforms.filter(({ total }) => total > 0).map(({ platform }) => platform) ?? [], [availability.data])
  const each = usePlatformOverviews(platforms, asked, every)
  const figure = useMemo((): Figure | undefined => {
    if (!errors.data || !throughput.data) return undefined
    const { points, step_ms } = errors.data
    return {
      kind: 'timeline',
      ...spanOf(errors.data),
      stepMs: step_ms,
      left: { isCut: true, most: 100, say: (value) => percent(value, i18n.language) },
      series: [
        { name: t('views.clients'), kind: 'line', color: HUES.blue, isBridged: true, points: pointsOf(points, ({ sla }) => sla.percent) },
        { name: t('views.providers'), kind: 'line', color: HUES.vermilion, isBridged: true, isDashed: true, points: deliveredOf(points, throughput.data.points) },
      ],
    }
  }, [errors.data, throughput.data, t, i18n.language])
  const failed = errors.error ?? throughput.error ?? overview.error
  if (failed && !figure) return <Failed thrown={failed} retry={() => void Promise.all([errors.refetch(), throughput.refetch(), overview.refetch()])} />
  if (!figure || !overview.data) return <Loading rows={12} />
  const label = t('views.label', { clients: percent(overview.data.sla.percent, i18n.language), providers: percent(overview.data.upstream.level.percent, i18n.language) })
  return (
    <>
      <Chart figure={figure} label={label} height={210} onBrush={brush} />
      <div className={classes.scroll} style={{ height: 236 }} tabIndex={0} role="group" aria-label={t('views.title')}>
        <Platforms platforms={platforms} each={each} window={window} />
        <Accounts accounts={availability.data?.accounts ?? []} window={window} every={every} />
      </div>
    </>
  )
}

function Platforms({ platforms, each, window }: { platforms: Platform[]; each: (Overview | undefined)[]; window: Search }) {
  const { t, i18n } = useTranslation('overview')
  return (
    <table className={classes.numbers}>
      <thead>
        <tr>
          <th scope="col">{t('views.byPlatform')}</th>
          <th scope="col">{t('views.clients')}</th>
          <th scope="col">{t('views.providers')}</th>
          <th scope="col">{t('views.hidden')}</th>
        </tr>
      </thead>
      <tbody>
        {platforms.map((platform, at) => {
          const found = each[at]
          return (
            <tr key={platform}>
              <th scope="row">{t(`traffic.${platform}`)}</th>
              <td>
                <Go target={{ to: '/errors', search: { ...window, view: 'errors', platform } }} size="xs">
                  {percent(found?.sla.percent, i18n.language)}
                </Go>
                <Bar value={found?.sla.percent} />
              </td>
              <td>
                <Go target={{ to: '/upstream-errors', search: { ...window, platform } }} size="xs">
                  {percent(found?.upstream.level.percent, i18n.language)}
                </Go>
                <Bar value={found?.upstream.level.percent} />
              </td>
              <td>
                <Go target={{ to: '/errors', search: { ...window, platform, recovered: 'true' } }} size="xs">
                  {found ? count(found.counts.recovered, i18n.language) : '–'}
                </Go>
              </td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}

function Bar({ value }: { value: number | null | undefined }) {
  return (
    <div className={classes.bar} role="presentation">
      <div className={classes.fill} style={{ width: `${value ?? 0}%` }} />
    </div>
  )
}

/** Accounts by how many attempts failed on them, and how many of their requests failed for clients. */
function Accounts({ accounts, window, every }: { accounts: Of<'AccountAvailability'>[]; window: Search; every: Every }) {
  const { t, i18n } = useTranslation('overview')
  const attempts = useDistribution(windowFor(window), 'attempts', 'account', every)
  const requests = useDistribution(windowFor(window), 'requests', 'account', every)
  const felt = new Map(requests.data?.items.map(({ value, counted }) => [value, counted]))
  const rows = attempts.data?.items.slice(0, MOST_ACCOUNTS) ?? []
  if (attempts.data && rows.length === 0) return <Text size="xs">{t('views.noAccounts')}</Text>
  return (
    <table className={classes.numbers}>
      <thead>
        <tr>
          <th scope="col" title={t('views.lastAccount')}>
            {t('views.byAccount')}
          </th>
          <th scope="col">{t('views.failedAttempts')}</th>
          <th scope="col">{t('views.felt')}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ value, counted }) => (
          <tr key={value}>
            <th scope="row">
              <Go target={{ to: '/accounts/$id', params: { id: value }, search: window }} size="xs" className={`${classes.cut} ${classes.name}`}>
                <bdi>{accounts.find(({ account_id }) => String(account_id) === value)?.account_name ?? `#${value}`}</bdi>
              </Go>
            </th>
            <td>
              <Go target={{ to: '/upstream-errors', search: { ...window, account_id: value } }} size="xs">
                {count(counted, i18n.language)}
              </Go>
            </td>
            <td>
              <Go target={{ to: '/errors', search: { ...window, view: 'errors', account_id: value } }} size="xs">
                {count(felt.get(value) ?? 0, i18n.language)}
              </Go>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
