/** The columns of the list of accounts. */
import { Badge, Group, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { StateBadge } from '../../parts/account-state'
import { Countdown } from '../../parts/countdown'
import { useJoined } from '../../parts/joined'
import type { Column, NarrowRow } from '../../parts/list'
import { Meter } from '../../parts/meter'
import { count } from '../../parts/number'
import { Rest, TwoLines } from '../../parts/two-lines'
import { When } from '../../parts/when'
import { useGateway } from '../../words/gateway'
import type { Account, Standing } from './data'
import { deciding, isWhole, lastSaid } from './marks'

export function useColumns(standings: Map<number, Standing>, failures: (id: number) => number | undefined): Column<Account>[] {
  const { t } = useTranslation('accounts')
  const { list } = useJoined()
  return [
    {
      key: 'name',
      title: t('field.name'),
      width: 'minmax(150px, 1fr)',
      cell: (account) => (
        <Link to="/accounts/$id" params={{ id: String(account.id) }} style={{ color: 'inherit' }} onClick={(event) => event.stopPropagation()}>
          <strong>{account.name}</strong>
        </Link>
      ),
    },
    { key: 'platform', title: t('field.platform'), width: '96px', cell: ({ platform }) => platform },
    { key: 'state', title: t('column.state'), width: '236px', cell: (account) => <State account={account} standing={standings.get(account.id)} /> },
    {
      key: 'why',
      title: t('column.why'),
      width: 'minmax(150px, 1fr)',
      cell: (account) => <Why account={account} />,
    },
    { key: 'groups', title: t('column.groups'), width: 'minmax(90px, 0.6fr)', cell: ({ groups }) => list(groups) || t('column.noGroup') },
    { key: 'priority', title: t('field.priority'), width: '62px', align: 'right', cell: ({ priority }) => priority },
    { key: 'in_flight', title: t('column.inFlight'), width: '112px', cell: (account) => <Meter used={standings.get(account.id)?.in_flight ?? account.in_flight} limit={account.concurrency} label={t('column.inFlight')} /> },
    { key: 'quota', title: t('column.quota'), width: '180px', cell: ({ id }) => <TightestQuota standing={standings.get(id)} /> },
    { key: 'failed', title: t('column.failed'), width: '70px', align: 'right', cell: ({ id }) => <Failed failed={failures(id)} /> },
    { key: 'said', title: t('column.lastError'), width: 'minmax(220px, 2fr)', cell: (account) => <Said account={account} /> },
    { key: 'base_url', title: t('field.base_url'), width: '240px', hidden: true, cell: ({ base_url }) => <span className="mono">{base_url}</span> },
    { key: 'models', title: t('field.models'), width: '240px', hidden: true, cell: ({ models }) => list(models) || t('field.modelsAll') },
    { key: 'id', title: t('column.id'), width: '70px', hidden: true, align: 'right', cell: ({ id }) => id },
  ]
}

/** On a phone: which one and how it stands, and beneath it why. */
export function useNarrow(standings: Map<number, Standing>): NarrowRow<Account> {
  const { t } = useTranslation('accounts')
  return {
    title: t('title'),
    cell: (account) => (
      <TwoLines
        first={
          <>
            <Rest title={account.name}>
              <strong>{account.name}</strong>
            </Rest>
            <State account={account} standing={standings.get(account.id)} />
          </>
        }
        second={
          deciding(account.state.marks) || lastSaid(account) ? (
            <>
              <Why account={account} />
              <Rest>
                <Said account={account} />
              </Rest>
            </>
          ) : (
            <Rest>{[account.platform, ...account.groups].join(' · ')}</Rest>
          )
        }
      />
    ),
  }
}

/** What decides how it stands. */
function Why({ account: { state } }: { account: Account }) {
  const { t } = useTranslation('accounts')
  const mark = deciding(state.marks)
  if (!mark) return <span>–</span>
  return (
    <span className="mono" title={`${t('mark.event')} ${mark.event_id}`}>
      {[mark.cause, mark.source].filter(Boolean).join(' · ') || mark.kind}
    </span>
  )
}

/** Where the API tells of those with most failures alone, nothing is known of the others. */
function Failed({ failed }: { failed: number | undefined }) {
  const { t, i18n } = useTranslation('accounts')
  return failed === undefined ? <span title={t('column.failedUnknown')}>–</span> : <span>{count(failed, i18n.language)}</span>
}

function State({ account: { state }, standing }: { account: Account; standing: Standing | undefined }) {
  const { t } = useTranslation('accounts')
  const gateway = useGateway()
  const { named } = useJoined()
  const ofModels = state.marks.filter((mark) => !isWhole(mark))
  return (
    <Group gap={6} wrap="nowrap">
      <StateBadge state={state.status} />
      {state.until && <Countdown until={state.until} />}
      {ofModels.length > 0 && (
        <Badge variant="outline" color="gray" size="sm" tt="none" title={ofModels.map(({ scope, kind }) => named(gateway.scope(scope), t(`state.${kind}`))).join('\n')}>
          {t('mark.models', { count: ofModels.length })}
        </Badge>
      )}
      {standing?.way_failing && <IconAlertTriangle size={14} aria-label={t('mark.wayFailing')} />}
    </Group>
  )
}

/** Of several quotas the one that ends first. */
function TightestQuota({ standing }: { standing: Standing | undefined }) {
  const { t } = useTranslation('accounts')
  const quota = standing?.quota.toSorted((a, b) => b.used / b.limit - a.used / a.limit)[0]
  if (!quota) return <span>–</span>
  const unit = t(`quota.unit.${quota.unit as string as 'requests' | 'tokens'}`)
  const window = t(`quota.window.${quota.window as 'minute' | 'day'}`)
  return (
    <Group gap={4} wrap="nowrap">
      <Meter used={quota.used} limit={quota.limit} label={`${unit}/${window}`} width={40} />
      <Text size="xs" span>
        {unit}/{window}
      </Text>
    </Group>
  )
}

function Said({ account }: { account: Account }) {
  const { t } = useTranslation()
  const last = lastSaid(account)
  if (!last) return <span>–</span>
  return (
    <span title={last.said}>
      <When at={last.at} />
      {t('join.colon')}
      {last.said}
    </span>
  )
}
