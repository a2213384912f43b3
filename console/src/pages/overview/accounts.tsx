/** Accounts as a grid of states: a shape, a word and a colour each, and when they come back. Those in trouble come first. */
import { Group, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Search } from '../../app/search'
import { useMay } from '../../app/session'
import { span } from '../../parts/number'
import { Empty, Loaded } from '../../parts/states'
import { useAvailability } from './asks'
import { Go } from './go'
import type { Every } from './live'
import classes from './overview.module.css'
import { lookOf } from './standing'
import type { Account } from './state'
import { useSecond } from './second'

const MOST = 60

export function Accounts({ window, every }: { window: Search; every: Every }) {
  const { t } = useTranslation('overview')
  const mayAdd = useMay('admin')
  const found = useAvailability(every)
  return (
    <Loaded query={found} rows={4}>
      {({ accounts }) =>
        accounts.length === 0 ? (
          <Empty action={mayAdd && <Go target={{ to: '/accounts' }}>{t('accounts.add')}</Go>}>{t('accounts.none')}</Empty>
        ) : (
          <>
            <Text size="sm" mb="xs">
              <Go target={{ to: '/accounts', search: window }} inherit>
                {t('accounts.serving', { available: String(accounts.filter(({ available }) => available).length), total: String(accounts.length) })}
              </Go>
            </Text>
            <Grid accounts={accounts} window={window} />
            {accounts.length > MOST && (
              <Go target={{ to: '/accounts', search: window }} size="sm">
                {t('accounts.more', { count: accounts.length })}
              </Go>
            )}
          </>
        )
      }
    </Loaded>
  )
}

function Grid({ accounts, window }: { accounts: Account[]; window: Search }) {
  // By how bad it is and then as it was: a card does not move while it only counts down.
  const sorted = useMemo(() => accounts.map((account, at) => ({ account, at })).sort((one, other) => lookOf(one.account).need - lookOf(other.account).need || one.at - other.at), [accounts])
  return (
    <div className={classes.grid}>
      {sorted.slice(0, MOST).map(({ account }) => (
        <Card key={account.account_id} account={account} window={window} />
      ))}
    </div>
  )
}

function Card({ account, window }: { account: Account; window: Search }) {
  const { t } = useTranslation(['overview', 'accounts'])
  const { tone, Icon, word } = lookOf(account)
  const { account_id, account_name, in_flight, concurrency, ramp, marks, status } = account
  const limit = ramp ?? concurrency
  const said = marks.map(({ reason }) => reason).join('\n')
  return (
    <Link to="/accounts/$id" params={{ id: String(account_id) } as never} search={window as never} className={classes.account} data-tone={tone} data-status={status} title={said || undefined}>
      <Group justify="space-between" gap={4} wrap="nowrap">
        <Text size="sm" fw={600} className={classes.cut}>
          {account_name}
        </Text>
        <Icon size={18} aria-hidden className={classes.shape} />
      </Group>
      <div className={classes.cut}>{word(t)}</div>
      <div className={classes.cut}>
        <Note account={account} />
      </div>
      <div className={classes.cut}>
        {limit === null || limit === undefined ? t('accounts.inFlightFree', { used: String(in_flight) }) : t('accounts.inFlight', { used: String(in_flight), limit: String(limit) })}
      </div>
    </Link>
  )
}

/** What is to be known beside the word: the most pressing thing, in a line that is there even where it is empty. */
function Note({ account: { status, available, until, ramp, way_failing, marks } }: { account: Account }) {
  const { t } = useTranslation('overview')
  if (status === 'disabled') return <>{'\u00a0'}</>
  if (until) return <Back until={until} />
  if (status === 'error') return <>{t('accounts.byHand')}</>
  if (way_failing) return <>{t('accounts.way')}</>
  if (ramp !== null && ramp !== undefined) return <>{t('accounts.ramp', { count: ramp })}</>
  const models = marks.filter(({ scope, half_open }) => scope !== 'account' && !half_open)
  if (!available || models.length === 0) return <>{'\u00a0'}</>
  const soonest = models.flatMap(({ until }) => (until ? [until] : [])).sort()[0]
  return (
    <>
      {t('accounts.models', { count: models.length })}
      {soonest && <Left until={soonest} />}
    </>
  )
}

function useLeft(until: string): number {
  return Math.ceil((Date.parse(until) - useSecond()) / 1_000)
}

/** Counts down to when it may be tried again. */
function Back({ until }: { until: string }) {
  const { t } = useTranslation('overview')
  const left = useLeft(until)
  return <>{left <= 0 ? t('accounts.soon') : t('accounts.back', { span: span(left) })}</>
}

function Left({ until }: { until: string }) {
  const left = useLeft(until)
  return left <= 0 ? null : <> · {span(left)}</>
}
