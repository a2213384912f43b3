/** The failures of a replay that had their turn: what each was, and what came. */
import { SegmentedControl, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Of } from '../../api/client'
import type { Search } from '../../app/search'
import { Aside } from '../../parts/aside'
import { useAsked } from '../../parts/asked'
import { useJoined } from '../../parts/joined'
import { type Column, List } from '../../parts/list'
import { count, duration, usd } from '../../parts/number'
import { atPage, numbered } from '../../parts/numbered'
import { usePages } from '../../parts/pages'
import { Panel } from '../../parts/panel'
import { Empty, Failed, Loading } from '../../parts/states'
import { When } from '../../parts/when'
import { VERDICTS, VerdictBadge } from '../replays/verdicts'
import { Compared } from './compared'

type Item = Of<'ReplayItem'>

export function Items({ replay }: { replay: Of<'Replay'> }) {
  const { t, i18n } = useTranslation(['replays', 'common'])
  const [asked, ask] = useAsked()
  const [open, setOpen] = useState<Item>()
  const query = { id: String(replay.id), page_size: '100', ...(asked.verdict ? { verdict: asked.verdict } : {}) }
  const found = usePages('replays', query, page, replay.status === 'running' ? { refetchInterval: 3_000 } : {})
  const columns = useColumns()
  const choices = [
    { value: '', label: `${t('all')} ${count(replay.done, i18n.language)}` },
    ...VERDICTS.map((value) => ({ value: value as string, label: `${t(`verdict.${value}`)} ${count(replay.verdicts[value], i18n.language)}` })),
  ]
  return (
    <Panel title={t('items')}>
      <div style={{ overflowX: 'auto' }}>
        <SegmentedControl size="xs" mb="xs" data={choices} value={asked.verdict ?? ''} onChange={(verdict) => ask({ verdict: verdict || undefined })} aria-label={t('column.verdicts')} />
      </div>
      {found.query.isError && !found.query.data ? (
        <Failed thrown={found.query.error} retry={() => void found.query.refetch()} />
      ) : (
        <List
          name="replay-items"
          label={t('items')}
          rows={found.rows}
          columns={columns}
          rowKey={({ source_error_id }) => source_error_id}
          onOpen={setOpen}
          more={found.more}
          isLoadingMore={found.isLoadingMore}
          stopped={found.stopped}
          height="420px"
          empty={found.query.data ? <Empty>{t(asked.verdict ? 'itemsNone' : 'itemsNoneYet')}</Empty> : <Loading rows={8} />}
          foot={<Text size="xs">{found.total !== undefined && t('common:list.total', { count: found.total })}</Text>}
        />
      )}
      <Aside open={Boolean(open)} close={() => setOpen(undefined)} title={open && `${t('item.failure')} ${open.source_error_id}`} size="xl">
        {open && <Compared item={open} />}
      </Aside>
    </Panel>
  )
}

async function page({ id, ...query }: Search, signal: AbortSignal) {
  const { data } = await api.GET('/api/v1/admin/ops/replays/{id}/items', { params: { path: { id: Number(id) }, query: atPage(query) as never }, signal })
  return numbered(data)
}

function useColumns(): Column<Item>[] {
  const { t, i18n } = useTranslation('replays')
  return [
    { key: 'turn', title: t('item.turn'), width: '110px', cell: ({ created_at }) => <When at={created_at} /> },
    { key: 'verdict', title: t('item.verdict'), width: '170px', cell: ({ verdict }) => (verdict ? <VerdictBadge verdict={verdict} /> : '…') },
    { key: 'old', title: t('item.old'), width: 'minmax(200px, 2fr)', cell: ({ old }) => (old ? `${old.status_code} ${old.cause}: ${old.message}` : '–') },
    { key: 'now', title: t('item.now'), width: 'minmax(200px, 2fr)', cell: (item) => <Now item={item} /> },
    { key: 'accounts', title: t('item.accounts'), width: 'minmax(180px, 1fr)', cell: ({ old, new: now }) => `${old?.account_name ?? '–'} → ${now?.account_name ?? '–'}` },
    { key: 'took', title: t('item.took'), width: '80px', align: 'right', cell: ({ new: now }) => duration(now?.duration_ms) },
    { key: 'cost', title: t('item.cost'), width: '80px', align: 'right', cell: ({ new: now }) => usd(now?.cost_usd, i18n.language) },
    { key: 'summary', title: t('item.summary'), width: 'minmax(260px, 2fr)', hidden: true, cell: ({ summary }) => summary },
    { key: 'failure', title: t('item.failure'), width: '90px', align: 'right', hidden: true, cell: ({ source_error_id }) => source_error_id },
  ]
}

function Now({ item }: { item: Item }) {
  const { t } = useTranslation('replays')
  const { named } = useJoined()
  const { new: now, reason } = item
  if (!now) return reason ? t(`reason.${reason}`) : '–'
  return named([now.status_code, now.cause].filter(Boolean).join(' '), now.message)
}
