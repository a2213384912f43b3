/** The overview: what is broken, since when, for whom, whose fault, and what to do. */
import { Stack, Text } from '@mantine/core'
import { lazy } from 'react'
import { useTranslation } from 'react-i18next'
import { Head } from '../../parts/head'
import type { Search } from '../../app/search'
import { useWindow, windowIn } from '../../parts/window'
import { Accounts } from './accounts'
import { askAhead, windowFor } from './asks'
import { Firing } from './firing'
import { Figures } from './figures'
import { TopIssues } from './issues'
import { LiveMark, useLive } from './live'
import classes from './overview.module.css'
import { Places } from './places'
import { Shown } from './shown'
import { Stand } from './stand'

const Throughput = lazy(() => import('./charts/throughput').then(({ Throughput }) => ({ default: Throughput })))
const Causes = lazy(() => import('./charts/causes').then(({ Causes }) => ({ default: Causes })))
const Latency = lazy(() => import('./charts/latency').then(({ Latency }) => ({ default: Latency })))
const Views = lazy(() => import('./charts/views').then(({ Views }) => ({ default: Views })))

export function ahead(search: Search) {
  askAhead(windowFor(windowIn(search)))
}

export function Page() {
  const { t } = useTranslation('overview')
  const window = useWindow()
  const live = useLive()
  const { every } = live
  const asOfNow = !live.isNow && <Text size="xs">{t('asOfNow')}</Text>
  return (
    <Stack gap="sm">
      <Head title={t('title')}>
        <LiveMark {...live} />
      </Head>
      <Stand window={window} live={live}>
        <Figures window={window} live={live} />
        <div className={classes.pair}>
          <Shown title={t('causes.title')} height={470} every={every} id="causes">
            {(every) => <Causes window={window} every={every} />}
          </Shown>
          <Shown title={t('views.title')} height={470} every={every} id="views">
            {(every) => <Views window={window} every={every} />}
          </Shown>
          <Shown title={t('throughput.title')} height={260} every={every} id="throughput">
            {(every) => <Throughput window={window} every={every} />}
          </Shown>
          <Shown title={t('latency.title')} height={260} every={every} id="latency">
            {(every) => <Latency window={window} every={every} />}
          </Shown>
        </div>
        <Shown title={t('accounts.title')} height={180} every={every} id="accounts" beside={asOfNow}>
          {(every) => <Accounts window={window} every={every} />}
        </Shown>
        <Shown title={t('places.title')} height={120} every={every} id="places" beside={asOfNow}>
          {(every) => <Places window={window} every={every} />}
        </Shown>
        <Shown title={t('issues.title')} height={220} every={every} id="issues">
          {(every) => <TopIssues window={window} every={every} />}
        </Shown>
        <Shown title={t('alerts.title')} height={80} every={every} id="alerts" beside={asOfNow}>
          {(every) => <Firing window={window} every={every} />}
        </Shown>
      </Stand>
    </Stack>
  )
}
