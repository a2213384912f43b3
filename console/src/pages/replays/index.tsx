/** Failures that were sent again in bulk, the newest replay first. */
import { Text } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { api, type Of } from '../../api/client'
import type { Search } from '../../app/search'
import { Head } from '../../parts/head'
import { useJoined } from '../../parts/joined'
import { type Column, List } from '../../parts/list'
import { count, usd } from '../../parts/number'
import { atPage, numbered } from '../../parts/numbered'
import { usePages } from '../../parts/pages'
import { Empty, Failed, Loading } from '../../parts/states'
import { When } from '../../parts/when'
import { ReplayStatusBadge } from './status'
import { VERDICTS } from './verdicts'

type Replay = Of<'Replay'>

export function Page() {
  const { t } = useTranslation(['replays', 'common'])
  const navigate = useNavigate()
  const found = usePages('replays', { page_size: '100' }, page, { refetchInterval: 5_000 })
  const columns = useColumns()
  return (
    <>
      <Head title={t('common:menu.replays')} />
      {found.query.isError && !found.query.data ? (
        <Failed thrown={found.query.error} retry={() => void found.query.refetch()} />
      ) : (
        <List
          name="replays"
          label={t('list')}
          rows={found.rows}
          columns={columns}
          rowKey={({ id }) => id}
          onOpen={({ id }) => void navigate({ to: '/replays/$id', params: { id: String(id) } })}
          more={found.more}
          isLoadingMore={found.isLoadingMore}
          stopped={found.stopped}
          height="calc(100dvh - 180px)"
          empty={found.query.data ? <Empty>{t('none')}</Empty> : <Loading rows={12} />}
          foot={<Text size="xs">{found.total !== undefined && t('common:list.total', { count: found.total })}</Text>}
        />
      )}
    </>
  )
}

async function page(query: Search, signal: AbortSignal) {
  const { data } = await api.GET('/api/v1/admin/ops/replays', { params: { query: atPage(query) as never }, signal })
  return numbered(data)
}

function useColumns(): Column<Replay>[] {
  const { t, i18n } = useTranslation('replays')
  const { list } = useJoined()
  const number = (value: number) => count(value, i18n.language)
  const verdicts = (replay: Replay) =>
    list(VERDICTS.filter((verdict) => replay.verdicts[verdict] > 0).map((verdict) => `${t(`verdict.${verdict}`)} ${number(replay.verdicts[verdict])}`))
  return [
    { key: 'id', title: t('column.id'), width: '80px', cell: ({ id }) => id },
    { key: 'status', title: t('column.status'), width: '122px', cell: ({ status }) => <ReplayStatusBadge status={status} /> },
    { key: 'created', title: t('column.created'), width: '120px', cell: ({ created_at }) => <When at={created_at} /> },
    { key: 'progress', title: t('column.progress'), width: '110px', align: 'right', cell: ({ done, candidates }) => t('progress', { done: number(done), all: number(candidates) }) },
    { key: 'verdicts', title: t('column.verdicts'), width: 'minmax(220px, 2fr)', cell: (replay) => verdicts(replay) || '–' },
    { key: 'spent', title: t('column.spent'), width: '90px', align: 'right', cell: ({ spent_usd }) => usd(spent_usd, i18n.language) },
    { key: 'mode', title: t('column.mode'), width: '130px', cell: ({ mode }) => t(`mode.${mode}`) },
    { key: 'filter', title: t('column.filter'), width: 'minmax(200px, 2fr)', cell: ({ filter }) => <span className="mono">{said(filter)}</span> },
    { key: 'note', title: t('column.note'), width: 'minmax(140px, 1fr)', cell: ({ note }) => note ?? '–' },
    { key: 'finished', title: t('column.finished'), width: '120px', hidden: true, cell: ({ finished_at }) => <When at={finished_at} /> },
  ]
}

/** Filters as the address of a list has them. */
export function said(filter: Record<string, string>): string {
  return Object.entries(filter)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}
