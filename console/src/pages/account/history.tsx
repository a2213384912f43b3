/** Every change of an account's state, and how it stood at a moment. */
import { Alert, Anchor, Button, Group, Select, Text, TextInput } from '@mantine/core'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { api, type Of } from '../../api/client'
import type { Search } from '../../app/search'
import { StateBadge } from '../../parts/account-state'
import { useJoined } from '../../parts/joined'
import { type Column, List } from '../../parts/list'
import { isoOf, localInput } from '../../parts/moment'
import { usePages } from '../../parts/pages'
import { Empty, Failed, Loading } from '../../parts/states'
import { When } from '../../parts/when'
import { useGateway } from '../../words/gateway'

type Event = Of<'AccountEvent'>

const KINDS = ['rate_limited', 'overloaded', 'paused', 'error', 'disabled', 'enabled', 'recovered', 'compensated', 'reset'] as const

export function History({ id }: { id: number }) {
  const { t } = useTranslation('accounts')
  const { named } = useJoined()
  const gateway = useGateway()
  const { at, kind } = useSearch({ strict: false })
  const navigate = useNavigate()
  const set = (change: Search) => void navigate({ to: '.', search: (old: Search) => ({ ...old, ...change }), replace: true, resetScroll: false })
  const query = { ...(at ? { at } : {}), ...(kind ? { kind } : {}), page_size: '100' }
  const events = usePages<Event, Of<'AccountEvents'>>(`account events ${id}`, query, async (query, signal) => {
    const { data } = await api.GET('/api/v1/admin/accounts/{id}/events', { params: { path: { id }, query: query as never }, signal })
    return { rows: data?.items ?? [], next: data?.next_cursor, ...(data ? { beside: data } : {}) }
  })
  const then = events.beside
  const columns = useColumns()
  return (
    <>
      <Group gap="xs" align="end">
        <Select size="xs" w={170} clearable label={t('event.kind')} data={KINDS.map((value) => ({ value, label: t(`event.kinds.${value}`) }))} value={kind ?? null} onChange={(kind) => set({ kind: kind ?? undefined })} />
        <TextInput size="xs" type="datetime-local" step={1} label={t('event.at')} value={localInput(at)} onChange={({ currentTarget: { value } }) => set({ at: isoOf(value) ?? undefined })} />
        {at && (
          <Button size="xs" variant="default" onClick={() => set({ at: undefined })}>
            {t('event.now')}
          </Button>
        )}
      </Group>
      {at && then && (
        <Alert color="gray" p="xs">
          <Group gap="xs">
            <When at={then.at} as="absolute" />
            <StateBadge state={then.state.status} />
            {then.state.until && (
              <Text size="sm">
                {t('event.until')} <When at={then.state.until} as="absolute" />
              </Text>
            )}
            {then.state.marks.map((mark) => (
              <Text key={`${mark.kind} ${mark.scope}`} size="sm" className="said">
                {t(`state.${mark.kind}`)} · {named(gateway.scope(mark.scope), mark.reason)}
              </Text>
            ))}
          </Group>
        </Alert>
      )}
      {events.query.isError && !events.query.data ? (
        <Failed thrown={events.query.error} retry={() => void events.query.refetch()} />
      ) : (
        <List
          name="account-events"
          label={t('one.history')}
          rows={events.rows}
          columns={columns}
          rowKey={({ id }) => id}
          more={events.more}
          isLoadingMore={events.isLoadingMore}
          stopped={events.stopped}
          height="320px"
          empty={events.query.isPending ? <Loading rows={6} /> : <Empty>{t('event.none')}</Empty>}
        />
      )}
    </>
  )
}

function useColumns(): Column<Event>[] {
  const { t } = useTranslation('accounts')
  const gateway = useGateway()
  return [
    { key: 'at', title: t('event.when'), width: '170px', cell: ({ at }) => <When at={at} as="both" /> },
    { key: 'kind', title: t('event.kind'), width: '140px', cell: ({ kind }) => t(`event.kinds.${kind}`) },
    { key: 'scope', title: t('event.scope'), width: 'minmax(120px, 0.8fr)', cell: ({ scope }) => gateway.scope(scope) },
    { key: 'until', title: t('event.until'), width: '110px', cell: ({ until }) => <When at={until} as="absolute" /> },
    { key: 'source', title: t('event.source'), width: '140px', cell: ({ source }) => <span className="mono">{source ?? '–'}</span> },
    { key: 'strikes', title: t('event.strikes'), width: '70px', align: 'right', cell: ({ strikes }) => strikes },
    { key: 'cause', title: t('event.cause'), width: '160px', cell: ({ cause, status_code }) => <span className="mono">{[status_code, cause].filter(Boolean).join(' ') || '–'}</span> },
    {
      key: 'by',
      title: t('event.by'),
      width: '80px',
      cell: ({ request_id, actor }) =>
        request_id ? (
          <Anchor inherit component={Link} to="/errors/$id" params={{ id: request_id } as never} title={request_id}>
            {t('event.request')}
          </Anchor>
        ) : (
          (actor ?? '–')
        ),
    },
    { key: 'reason', title: t('event.reason'), width: 'minmax(260px, 2fr)', cell: ({ reason }) => <span title={reason}>{reason}</span> },
    { key: 'id', title: t('mark.event'), width: '150px', hidden: true, cell: ({ id }) => id },
  ]
}
