/** Every event, newest first. */
import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { api } from '../../api/client'
import { pick, type Search } from '../../app/search'
import { useAsked } from '../../parts/asked'
import { SeverityBadge } from '../../parts/badges'
import { type Column, List } from '../../parts/list'
import { Narrow } from '../../parts/narrow'
import { duration } from '../../parts/number'
import { atPage, numbered } from '../../parts/numbered'
import { usePages } from '../../parts/pages'
import { Empty, Failed, Loading } from '../../parts/states'
import { When } from '../../parts/when'
import { useRules } from './asking'
import type { Event } from './kinds'
import { EventStatusBadge } from './status'

const STATUSES = ['firing', 'resolved', 'manual_resolved'] as const

export function History() {
  const { t } = useTranslation(['alerts', 'common'])
  const [asked, ask] = useAsked()
  const { rules } = useRules()
  const found = usePages('alert-events', { page_size: '100', ...pick(asked, ['status', 'rule_id']) }, page, { refetchInterval: 15_000 })
  const columns = useColumns()
  return (
    <>
      <Narrow
        by={[
          { name: 'status', label: t('column.status'), choices: STATUSES.map((value) => ({ value, label: t(`status.${value}`) })) },
          { name: 'rule_id', label: t('rule'), choices: rules?.map(({ id, name }) => ({ value: String(id), label: name })) ?? [], width: 220 },
        ]}
      />
      {found.query.isError && !found.query.data ? (
        <Failed thrown={found.query.error} retry={() => void found.query.refetch()} />
      ) : (
        <List
          name="alert-events"
          label={t('tabs.history')}
          rows={found.rows}
          columns={columns}
          rowKey={({ id }) => id}
          onOpen={({ id }) => ask({ event: String(id) })}
          more={found.more}
          isLoadingMore={found.isLoadingMore}
          stopped={found.stopped}
          empty={found.query.data ? <Empty>{t('historyNone')}</Empty> : <Loading rows={12} />}
          foot={<Text size="xs">{found.total !== undefined && t('common:list.total', { count: found.total })}</Text>}
        />
      )}
    </>
  )
}

async function page(query: Search, signal: AbortSignal) {
  const { data } = await api.GET('/api/v1/admin/ops/alert-events', { params: { query: atPage(query) as never }, signal })
  return numbered(data)
}

function useColumns(): Column<Event>[] {
  const { t } = useTranslation('alerts')
  const lasted = ({ fired_at, resolved_at }: Event) => (resolved_at ? duration(Date.parse(resolved_at) - Date.parse(fired_at)) : '…')
  return [
    { key: 'status', title: t('column.status'), width: '138px', cell: ({ status }) => <EventStatusBadge status={status} /> },
    { key: 'severity', title: t('column.severity'), width: '80px', cell: ({ severity }) => <SeverityBadge severity={severity} /> },
    { key: 'rule', title: t('rule'), width: '170px', cell: ({ evidence }) => evidence.rule_name },
    { key: 'sentence', title: t('column.sentence'), width: 'minmax(280px, 3fr)', cell: ({ evidence }) => evidence.sentence },
    { key: 'began', title: t('column.began'), width: '120px', cell: ({ fired_at }) => <When at={fired_at} /> },
    { key: 'lasted', title: t('column.lasted'), width: '110px', align: 'right', cell: lasted },
    { key: 'taken', title: t('column.taken'), width: '110px', cell: ({ acknowledged_by }) => acknowledged_by ?? '–' },
  ]
}
