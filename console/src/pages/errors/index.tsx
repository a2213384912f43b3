/** Failed requests: the list, everything that narrows it, and the rows as they come. */
import { Button, Modal, SegmentedControl, Stack, Text } from '@mantine/core'
import { IconArrowsSort, IconDownload, IconKeyboard, IconRefresh, IconScale } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { queries } from '../../api/queries'
import { pick, type Search } from '../../app/search'
import { useMay } from '../../app/session'
import { FilterBar } from '../../parts/filters/bar'
import { SavedViews } from '../../parts/filters/saved-views'
import { FAILURES, LIST_NAMES } from '../../parts/filters/table'
import { useAddress } from '../../parts/filters/use'
import { Head } from '../../parts/head'
import { KeyHelp } from '../../parts/key-help'
import { useKeys } from '../../parts/keys'
import { List } from '../../parts/list'
import { pagesOf, usePages } from '../../parts/pages'
import { Empty, Failed, Loading } from '../../parts/states'
import { Total } from '../../parts/total'
import { useWindow, windowIn } from '../../parts/window'
import { SendAgainDialog } from '../error/send-dialog'
import { askErrors, type Row } from './ask'
import { columns, EXPORTED, narrow } from './columns'
import { Differences } from './differences'
import { Export } from './export'
import { Histogram, TREND, trendOf } from './histogram'
import { Live, LiveNotes } from './live'
import { above } from './tail'
import { useLive } from './use-live'

const VIEWS = ['all', 'errors', 'excluded'] as const
const NEWEST_FIRST = '-created_at'

type Dialog = 'keys' | 'export' | 'differences' | { again: Row }

/** What the list shows, of what its address says. */
function queryIn(search: Search, window: Search): Search {
  return { ...window, ...pick(search, LIST_NAMES) }
}

const listed = (query: Search) => ({ ...query, page_size: '200' })

export function ahead(search: Search) {
  const window = windowIn(search)
  void queries.prefetchInfiniteQuery(pagesOf('errors', listed(queryIn(search, window)), askErrors))
  void queries.prefetchQuery(trendOf(search, window))
}

export function Page() {
  const { t } = useTranslation(['errors', 'common'])
  const { t: words } = useTranslation()
  const { search, change } = useAddress()
  const window = useWindow()
  const navigate = useNavigate()
  const mayOperate = useMay('operator')
  const field = useRef<HTMLInputElement>(null)
  const [dialog, setDialog] = useState<Dialog | null>(null)
  const [isLive, setLive] = useState(false)

  const filters = pick(search, LIST_NAMES)
  const query = queryIn(search, window)
  const pages = usePages('errors', listed(query), askErrors, { keepsOld: true })
  const isOld = pages.query.isPlaceholderData
  const isNewestFirst = (search.sort ?? NEWEST_FIRST) === NEWEST_FIRST
  const newest = useMemo(() => pages.rows.reduce<number | undefined>((most, { id }) => (most === undefined || id > most ? id : most), undefined), [pages.rows])
  const { sort: _, ...streamed } = filters
  const live = useLive(isLive && isNewestFirst && !pages.query.isPending && !isOld, { ...streamed, ...pick(window, ['start_time']) }, newest)
  const rows = useMemo(() => above(live.tail, pages.rows), [live.tail, pages.rows])
  const shown = useMemo(() => columns(t, words), [t, words])
  const onPhone = useMemo(() => narrow(t, words), [t, words])

  const close = () => setDialog(null)
  const open = (row: Row) => void navigate({ to: '/errors/$id', params: { id: String(row.id) }, search: (old: Search) => old })
  const refresh = () => void Promise.all([queries.resetQueries({ queryKey: ['errors'] }), queries.invalidateQueries({ queryKey: TREND })])
  useKeys({ '/': () => field.current?.focus(), '?': () => setDialog('keys') })

  // Each page that comes draws the list anew; what stands above it stays as it is.
  const view = search.view ?? 'all'
  const bar = useMemo(
    () => (
      <FilterBar filters={FAILURES} label={(name) => t(`filter.${name}`)} search={{ placeholder: t('search'), field }}>
        <SegmentedControl size="xs" aria-label={t('view.label')} data={VIEWS.map((value) => ({ value, label: t(`view.${value}`) }))} value={view} onChange={(view) => change({ view: view === 'all' ? undefined : view })} />
        <Button size="compact-xs" variant="default" leftSection={<IconArrowsSort size={13} aria-hidden />} onClick={() => change({ sort: isNewestFirst ? 'created_at' : undefined })}>
          {t(isNewestFirst ? 'sort.newest' : 'sort.oldest')}
        </Button>
      </FilterBar>
    ),
    [t, view, isNewestFirst, change],
  )

  return (
    <>
      <Head title={t('common:menu.errors')}>
        <Live line={live.line} tail={live.tail} isPossible={isNewestFirst} onToggle={() => setLive(!isLive)} onPause={live.pause} onResume={live.resume} />
        <SavedViews list="errors" names={LIST_NAMES} />
        <Button size="compact-xs" variant="default" leftSection={<IconRefresh size={13} aria-hidden />} onClick={refresh}>
          {t('common:act.refresh')}
        </Button>
      </Head>
      <Stack gap={6}>
        {bar}
        <Histogram search={search} isLive={live.line === 'open'} />
        <LiveNotes tail={live.tail} />
        {pages.query.isPending ? (
          <Loading rows={14} />
        ) : pages.query.isError && !pages.query.data ? (
          <Failed thrown={pages.query.error} retry={() => void pages.query.refetch()} />
        ) : (
          <List
            key={JSON.stringify(filters)}
            name="errors"
            label={t('common:menu.errors')}
            rows={rows}
            columns={shown}
            narrow={onPhone}
            rowKey={(row) => row.id}
            onOpen={open}
            // Where rows between were let go, what was read below them is not shown, and more of it would not be.
            more={live.tail.isCut ? undefined : pages.more}
            isLoadingMore={pages.isLoadingMore || isOld}
            stopped={live.tail.isCut ? undefined : pages.stopped}
            keys={mayOperate ? { r: (row) => setDialog({ again: row }) } : {}}
            wide
            height="max(320px, calc(100dvh - 372px))"
            empty={<Empty>{t('empty')}</Empty>}
            foot={
              <>
                <Total total={pages.total} isEstimate={pages.isEstimate} />
                {live.tail.rows.length > 0 && <Text size="xs">{t('live.came', { said: String(live.tail.rows.length) })}</Text>}
                <Tool icon={IconDownload} word={t('common:act.export')} onClick={() => setDialog('export')} />
                <Tool icon={IconScale} word={t('differences.open')} onClick={() => setDialog('differences')} />
                <Tool icon={IconKeyboard} word={t('keys.open')} onClick={() => setDialog('keys')} />
              </>
            }
          />
        )}
      </Stack>
      <KeyHelp title={t('keys.title')} opened={dialog === 'keys'} onClose={close} keys={(['move', 'openRow', ...(mayOperate ? (['again'] as const) : []), 'search', 'help'] as const).map((what) => [KEYS[what], t(`keys.${what}`)])} />
      <Export opened={dialog === 'export'} onClose={close} query={query} ask={askErrors} names={EXPORTED} file="waybill-errors" />
      <Differences opened={dialog === 'differences'} onClose={close} query={{ ...window, ...streamed }} />
      <Modal opened={dialog !== null && typeof dialog === 'object'} onClose={close} title={t('again.title')} size="lg">
        {dialog !== null && typeof dialog === 'object' && <SendAgainDialog id={String(dialog.again.id)} />}
      </Modal>
    </>
  )
}

const KEYS = { move: ['j', 'k'], openRow: ['enter'], again: ['r'], search: ['/'], help: ['?'] } as const

function Tool({ icon: Icon, word, onClick }: { icon: typeof IconDownload; word: string; onClick: () => void }) {
  return (
    <Button size="compact-xs" variant="subtle" color="gray" leftSection={<Icon size={13} aria-hidden />} onClick={onClick}>
      <Text size="xs" c="var(--mantine-color-text)">
        {word}
      </Text>
    </Button>
  )
}
