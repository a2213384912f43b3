/** A list of named things with filters, and one of them open beside it: what groups, users and keys have in common. */
import { Button, Group, Text } from '@mantine/core'
import { IconPlus, IconSearch } from '@tabler/icons-react'
import type { UseQueryResult } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { Search } from '../../app/search'
import { useMay } from '../../app/session'
import { Head } from '../../parts/head'
import { type Column, List } from '../../parts/list'
import { Empty, Failed, Loading } from '../../parts/states'
import { Typed } from '../../parts/typed'

interface Row {
  id: number
  name: string
}

interface Props<R extends Row> {
  name: string
  title: string
  create: string
  empty: string
  found: UseQueryResult<R[], unknown>
  columns: Column<R>[]
  /** Whether a row fits the page's own filters. */
  fits?: (row: R) => boolean
  filters?: ReactNode
  /** One of them, or a new one. */
  sheet: (row: R | undefined, close: () => void) => ReactNode
}

export function useSet() {
  const navigate = useNavigate()
  return (change: Search) => void navigate({ to: '.', search: (old: Search) => ({ ...old, ...change }), replace: true, resetScroll: false })
}

export function Things<R extends Row>({ name, title, create, empty, found, columns, fits, filters, sheet }: Props<R>) {
  const { t } = useTranslation('access')
  const { open, q } = useSearch({ strict: false })
  const mayChange = useMay('admin')
  const set = useSet()
  const close = () => set({ open: undefined })
  const all = found.data ?? []
  const rows = all.filter((row) => (!q || row.name.toLowerCase().includes(q.toLowerCase())) && (!fits || fits(row)))
  const opened = all.find(({ id }) => String(id) === open)
  const add = mayChange && (
    <Button size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => set({ open: 'new' })}>
      {create}
    </Button>
  )
  return (
    <>
      <Head title={title}>{add}</Head>
      <Group gap="xs" mb="xs">
        <Typed size="xs" leftSection={<IconSearch size={14} aria-hidden />} placeholder={t('name')} aria-label={t('name')} value={q ?? ''} say={(q) => set({ q: q || undefined })} />
        {filters}
      </Group>
      {found.isError && !found.data ? (
        <Failed thrown={found.error} retry={() => void found.refetch()} />
      ) : (
        <List
          name={name}
          label={title}
          rows={rows}
          columns={columns}
          rowKey={({ id }) => id}
          onOpen={({ id }) => set({ open: String(id) })}
          height="calc(100dvh - 220px)"
          empty={found.isPending ? <Loading rows={8} /> : <Empty action={all.length === 0 ? add : undefined}>{all.length === 0 ? empty : t('noneFits')}</Empty>}
          foot={<Text size="xs">{t('rows', { count: rows.length, all: String(all.length) })}</Text>}
        />
      )}
      {(opened || (open === 'new' && mayChange)) && sheet(opened, close)}
    </>
  )
}
