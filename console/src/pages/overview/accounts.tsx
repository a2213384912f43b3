/** Accounts as a grid of states: a shape, a word and a colour each, and when they come back. Those in trouble come first. */
import { Group, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Search } from '../../app/search'
import { useMay } from '../../app/session'
import { duration } from '../../parts/number'
import { Empty, Loaded } from '../../parts/states'
import { useAvailability } from './asks'
import { Go } from './go'
import type { Every } from './live'
import classes from './overview.module.css'
import { lookOf } from './standing'
import type { Account } from './state'
import { useSecond } from './second'

const MOST = 60

export function Accounts({ window, every, isNow }: { window: Search; every: Every; isNow: boolean }) {
  const { t } = useTranslation('overview')
  const mayAdd = useMay('operator')
  const found = useAvailability(every)
  return (
    <Loaded query={found} rows={4}>
      {({ accounts }) =>
        accounts.length === 0 ? (
          <Empty action={mayAdd && <Go target={{ to: '/accounts' }}>{t('accounts.add')}</Go>}>{t('accounts.none')}</Empty>
        ) : (
          <>
            <Group justify="space-between" gap="xs" mb="xs">
              <Go target={{ to: '/accounts', search: window }} size="sm">
                {t('accounts.serving', { available: String(accounts.filter(({ available }) => available).length), total: String(accounts.length) })}
              </Go>
              {!isNow && <Text size="xs">{t('accounts.past')}</Text>}
            </Group>
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
  const { t } = useTranslation('overview')
  const { tone, Icon, word } = lookOf(account)
  const { account_id, account_name, in_flight, concurrency, ramp, marks, status, available, way_failing } = account
  const models = marks.filter(({ scope, half_open }) => scope !== 'account' && !half_open)
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
      <div>
        {word(t)}
        {(!available || status !== 'active') && <Back until={account.until} needs={status === 'error'} />}
      </div>
      <div>
        {limit === null || limit === undefined ? t('accounts.inFlightFree', { used: String(in_flight) }) : t('accounts.inFlight', { used: String(in_flight), limit: String(limit) })}
      </div>
      <div className={classes.cut}>
        {ramp !== null && ramp !== undefined ? t('accounts.ramp', { count: ramp }) : way_failing ? t('accounts.way') : models.length > 0 && status !== 'disabled' ? <ModelsBack models={models} /> : '\u00a0'}
      </div>
    </Link>
  )
}

/** Models on it that wait, and when the first of them is back. */
function ModelsBack({ models }: { models: Account['marks'] }) {
  const { t } = useTranslation('overview')
  const soonest = models.flatMap(({ until }) => (until ? [until] : [])).sort()[0]
  return (
    <>
      {t('accounts.models', { count: models.length })}
      {soonest && <Back until={soonest} needs={false} isShort />}
    </>
  )
}

/** Counts down to when it may be tried again. */
function Back({ until, needs, isShort }: { until: string | null | undefined; needs: boolean; isShort?: boolean }) {
  const { t } = useTranslation('overview')
  const now = useSecond()
  if (!until) return needs ? <> · {t('accounts.byHand')}</> : null
  const left = Math.ceil((Date.parse(until) - now) / 1_000)
  if (left <= 0) return isShort ? null : <> · {t('accounts.soon')}</>
  const span = left < 60 ? `${left} s` : duration(left * 1_000)
  return <> · {isShort ? span : t('accounts.back', { span })}</>
}
