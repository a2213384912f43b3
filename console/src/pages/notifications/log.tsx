/** What was sent to whom, newest first; one delivery, and trying it again. */
import { Anchor, Button, Code, Stack, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { $api, api, type Of } from '../../api/client'
import { pick, type Search } from '../../app/search'
import { useMay } from '../../app/session'
import { Aside } from '../../parts/aside'
import { useAsked } from '../../parts/asked'
import { SeverityBadge } from '../../parts/badges'
import { useChannelChoices } from '../../parts/choices'
import { FactsGrid } from '../../parts/facts-grid'
import { type Column, List } from '../../parts/list'
import { Narrow } from '../../parts/narrow'
import { numbered } from '../../parts/numbered'
import { usePages } from '../../parts/pages'
import { Empty, Failed, Loaded, Loading } from '../../parts/states'
import { tellDone, tellProblem } from '../../parts/told'
import { When } from '../../parts/when'
import { useWindow } from '../../parts/window'
import { useAgain } from './asking'
import { DELIVERY_STATES, DeliveryState } from './state'

type Delivery = Of<'Delivery'>

const KINDS = ['alert_fired', 'alert_resolved', 'report', 'test'] as const

export function Log() {
  const { t } = useTranslation(['watch', 'common'])
  const [asked, ask] = useAsked()
  const window = useWindow()
  const found = usePages('notifications', { page_size: '100', ...pick(asked, ['channel_id', 'state', 'kind', 'event_id']), ...window }, page, { refetchInterval: 10_000 })
  const channels = useChannelChoices()
  const columns = useColumns()
  return (
    <>
      <Narrow
        by={[
          { name: 'channel_id', label: t('notifications.filter.channel'), choices: channels },
          { name: 'state', label: t('notifications.filter.state'), choices: DELIVERY_STATES.map((value) => ({ value, label: t(`notifications.state.${value}`) })) },
          { name: 'kind', label: t('notifications.filter.kind'), choices: KINDS.map((value) => ({ value, label: t(`notifications.kind.${value}`) })) },
          { name: 'event_id', label: t('notifications.filter.event'), width: 90 },
        ]}
      />
      {found.query.isError && !found.query.data ? (
        <Failed thrown={found.query.error} retry={() => void found.query.refetch()} />
      ) : (
        <List
          name="notifications"
          label={t('notifications.tabs.log')}
          rows={found.rows}
          columns={columns}
          rowKey={({ id }) => id}
          onOpen={({ id }) => ask({ id: String(id) })}
          more={found.more}
          isLoadingMore={found.isLoadingMore}
          stopped={found.stopped}
          empty={found.query.data ? <Empty>{t('notifications.logNone')}</Empty> : <Loading rows={12} />}
          foot={<Text size="xs">{found.total !== undefined && t(found.isEstimate ? 'common:list.atLeast' : 'common:list.total', { count: found.total })}</Text>}
        />
      )}
      <Aside open={Boolean(asked.id)} close={() => ask({ id: undefined })} title={t('notifications.one', { id: asked.id ?? '' })}>
        {asked.id && <One id={Number(asked.id)} />}
      </Aside>
    </>
  )
}

async function page(query: Search, signal: AbortSignal) {
  const { data } = await api.GET('/api/v1/admin/ops/notifications', { params: { query: query as never }, signal })
  return numbered(data)
}

function useColumns(): Column<Delivery>[] {
  const { t } = useTranslation('watch')
  return [
    { key: 'state', title: t('notifications.column.state'), width: '116px', cell: ({ state }) => <DeliveryState state={state} /> },
    { key: 'channel', title: t('notifications.column.channel'), width: '130px', cell: ({ channel }) => channel },
    { key: 'kind', title: t('notifications.column.kind'), width: '130px', cell: ({ kind }) => t(`notifications.kind.${kind}`) },
    { key: 'severity', title: t('notifications.column.severity'), width: '80px', cell: ({ severity }) => <SeverityBadge severity={severity} /> },
    { key: 'title', title: t('notifications.column.title'), width: 'minmax(240px, 3fr)', cell: ({ notice }) => notice.sentence || notice.title },
    { key: 'created', title: t('notifications.column.created'), width: '110px', cell: ({ created_at }) => <When at={created_at} /> },
    { key: 'attempts', title: t('notifications.column.attempts'), width: '70px', align: 'right', cell: ({ attempts }) => attempts },
    { key: 'sent', title: t('notifications.column.sent'), width: '110px', cell: ({ sent_at }) => <When at={sent_at} /> },
    { key: 'error', title: t('notifications.column.error'), width: 'minmax(180px, 2fr)', cell: ({ last_error, reason }) => last_error ?? reason ?? '–' },
  ]
}

function One({ id }: { id: number }) {
  const found = $api.useQuery('get', '/api/v1/admin/ops/notifications/{id}', { params: { path: { id } } }, { refetchInterval: 5_000 })
  return <Loaded query={found}>{(delivery) => <Shown delivery={delivery} />}</Loaded>
}

function Shown({ delivery }: { delivery: Delivery }) {
  const { t } = useTranslation('watch')
  const { notice } = delivery
  return (
    <Stack gap="sm">
      <Text fw={600} className="said">
        {notice.title}
      </Text>
      <Text size="sm" className="said">
        {notice.sentence}
      </Text>
      {notice.text && (
        <Code block className="said">
          {notice.text}
        </Code>
      )}
      <Again delivery={delivery} />
      <FactsGrid
        facts={[
          [t('notifications.column.state'), <DeliveryState key="state" state={delivery.state} />],
          [t('notifications.column.channel'), delivery.channel],
          [t('notifications.column.kind'), t(`notifications.kind.${delivery.kind}`)],
          [t('notifications.column.severity'), <SeverityBadge key="severity" severity={delivery.severity} />],
          [t('notifications.event'), delivery.event_id ? <ToEvent key="event" id={delivery.event_id} /> : null],
          [t('notifications.subject'), notice.subject ? <span className="said">{notice.subject}</span> : null],
          [t('notifications.column.created'), <When key="created" at={delivery.created_at} as="both" />],
          [t('notifications.column.sent'), delivery.sent_at ? <When key="sent" at={delivery.sent_at} as="both" /> : null],
          [t('notifications.next'), delivery.next_at ? <When key="next" at={delivery.next_at} as="both" /> : null],
          [t('notifications.column.attempts'), delivery.attempts],
          [t('notifications.reason'), delivery.reason],
          [t('notifications.lastError'), delivery.last_error ? <span className="said">{delivery.last_error}</span> : null],
          [t('notifications.message'), delivery.message_id],
        ]}
      />
    </Stack>
  )
}

function ToEvent({ id }: { id: number }) {
  return (
    <Anchor component={Link} to="/alerts" search={{ tab: 'history', event: String(id) } as never} size="sm">
      {id}
    </Anchor>
  )
}

function Again({ delivery }: { delivery: Delivery }) {
  const { t } = useTranslation('watch')
  const again = useAgain()
  const mayAct = useMay('operator')
  const [busy, setBusy] = useState(false)
  if (!mayAct || (delivery.state !== 'failed' && delivery.state !== 'uncertain' && delivery.state !== 'dropped')) return null
  const go = () => {
    setBusy(true)
    void api
      .POST('/api/v1/admin/ops/notifications/{id}/retry', { params: { path: { id: delivery.id } } })
      .then(() => {
        tellDone()
        return again()
      }, tellProblem)
      .finally(() => setBusy(false))
  }
  return (
    <Button size="xs" onClick={go} loading={busy} w="fit-content">
      {t('notifications.retry')}
    </Button>
  )
}
