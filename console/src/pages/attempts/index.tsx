/** Failed attempts at providers, also those that failover hid; as a list, by account, and by provider. */
import { Button, SegmentedControl, Stack, Tabs } from '@mantine/core'
import { IconArrowsSort, IconDownload, IconKeyboard, IconRefresh } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { pick, type Search } from '../../app/search'
import { FilterBar } from '../../parts/filters/bar'
import { SavedViews } from '../../parts/filters/saved-views'
import { FAILURES, LIST_NAMES } from '../../parts/filters/table'
import { useAddress } from '../../parts/filters/use'
import { Head } from '../../parts/head'
import { KeyHelp } from '../../parts/key-help'
import { useKeys } from '../../parts/keys'
import { List } from '../../parts/list'
import { usePages } from '../../parts/pages'
import { Empty, Failed, Loading } from '../../parts/states'
import { Total } from '../../parts/total'
import { useWindow } from '../../parts/window'
import { Export } from '../errors/export'
import { askAttempts, type Row } from './ask'
import { columns, EXPORTED, narrow } from './columns'
import { type By, Shares, SHARED, SHARES } from './shares'

const isBy = (word: string | undefined): word is By => word !== undefined && word in SHARES

export function Page() {
  const { t } = useTranslation(['attempts', 'errors', 'common'])
  const { search, change } = useAddress()
  const queries = useQueryClient()
  const by = isBy(search.by) ? search.by : undefined
  const refresh = () => void Promise.all([queries.resetQueries({ queryKey: ['attempts'] }), queries.invalidateQueries({ queryKey: SHARED })])
  return (
    <>
      <Head title={t('common:menu.attempts')}>
        <SavedViews list="attempts" names={LIST_NAMES} />
        <Button size="compact-xs" variant="default" leftSection={<IconRefresh size={13} aria-hidden />} onClick={refresh}>
          {t('common:act.refresh')}
        </Button>
      </Head>
      <Tabs value={by ?? 'all'} onChange={(value) => change({ by: isBy(value ?? undefined) ? (value as By) : undefined })} keepMounted={false}>
        <Tabs.List mb="xs">
          <Tabs.Tab value="all">{t('by.all')}</Tabs.Tab>
          <Tabs.Tab value="account">{t('by.account')}</Tabs.Tab>
          <Tabs.Tab value="platform">{t('by.platform')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="all">
          <All />
        </Tabs.Panel>
        <Tabs.Panel value="account">
          <Shares by="account" />
        </Tabs.Panel>
        <Tabs.Panel value="platform">
          <Shares by="platform" />
        </Tabs.Panel>
      </Tabs>
    </>
  )
}

const FATES = ['', 'true', 'false'] as const
const VIEWS = ['all', 'errors', 'excluded'] as const

function All() {
  const { t } = useTranslation(['attempts', 'errors', 'common'])
  const { search, change } = useAddress()
  const window = useWindow()
  const navigate = useNavigate()
  const field = useRef<HTMLInputElement>(null)
  const [dialog, setDialog] = useState<'keys' | 'export' | null>(null)
  const query: Search = { ...window, ...pick(search, LIST_NAMES) }
  const pages = usePages('attempts', { ...query, page_size: '200' }, askAttempts, { keepsOld: true })
  const shown = useMemo(() => columns(t), [t])
  const onPhone = useMemo(() => narrow(t), [t])
  const isNewestFirst = search.sort !== 'created_at'
  const open = (row: Row) => void navigate({ to: '/upstream-errors/$id', params: { id: String(row.id) }, search: (old: Search) => old })
  useKeys({ '/': () => field.current?.focus(), '?': () => setDialog('keys') })
  return (
    <Stack gap={6}>
      {/* Whether failover hid it has a control of its own here. */}
      <FilterBar filters={FAILURES.filter(({ name }) => name !== 'recovered')} label={(name) => t(`errors:filter.${name}`)} search={{ placeholder: t('errors:search'), field }}>
        <SegmentedControl size="xs" aria-label={t('column.recovered')} data={FATES.map((value) => ({ value, label: t(value === '' ? 'both' : value === 'true' ? 'hidden' : 'seen') }))} value={search.recovered ?? ''} onChange={(recovered) => change({ recovered: recovered || undefined })} />
        <SegmentedControl size="xs" aria-label={t('errors:view.label')} data={VIEWS.map((value) => ({ value, label: t(`errors:view.${value}`) }))} value={search.view ?? 'all'} onChange={(view) => change({ view: view === 'all' ? undefined : view })} />
        <Button size="compact-xs" variant="default" leftSection={<IconArrowsSort size={13} aria-hidden />} onClick={() => change({ sort: isNewestFirst ? 'created_at' : undefined })}>
          {t(isNewestFirst ? 'errors:sort.newest' : 'errors:sort.oldest')}
        </Button>
      </FilterBar>
      {pages.query.isPending ? (
        <Loading rows={14} />
      ) : pages.query.isError && !pages.query.data ? (
        <Failed thrown={pages.query.error} retry={() => void pages.query.refetch()} />
      ) : (
        <List
          key={JSON.stringify(query)}
          name="attempts"
          label={t('common:menu.attempts')}
          rows={pages.rows}
          columns={shown}
          narrow={onPhone}
          rowKey={(row) => row.id}
          onOpen={open}
          more={pages.more}
          isLoadingMore={pages.isLoadingMore || pages.query.isPlaceholderData}
          stopped={pages.stopped}
          wide
          height="max(320px, calc(100dvh - 268px))"
          empty={<Empty>{t('none')}</Empty>}
          foot={
            <>
              <Total total={pages.total} isEstimate={pages.isEstimate} />
              <Button size="compact-xs" variant="subtle" color="gray" leftSection={<IconDownload size={13} aria-hidden />} onClick={() => setDialog('export')} c="var(--mantine-color-text)">
                {t('common:act.export')}
              </Button>
              <Button size="compact-xs" variant="subtle" color="gray" leftSection={<IconKeyboard size={13} aria-hidden />} onClick={() => setDialog('keys')} c="var(--mantine-color-text)">
                {t('errors:keys.open')}
              </Button>
            </>
          }
        />
      )}
      <KeyHelp title={t('errors:keys.title')} opened={dialog === 'keys'} onClose={() => setDialog(null)} keys={(['move', 'openRow', 'search', 'help'] as const).map((what) => [KEYS[what], t(`errors:keys.${what}`)])} />
      <Export opened={dialog === 'export'} onClose={() => setDialog(null)} query={query} ask={askAttempts} names={EXPORTED} file="waybill-upstream-errors" />
    </Stack>
  )
}

const KEYS = { move: ['j', 'k'], openRow: ['enter'], search: ['/'], help: ['?'] } as const
