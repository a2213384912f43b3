/** Accounts: how each stands and why, what it may do, what runs on it. */
import { Button, Group, Select, Text } from '@mantine/core'
import { IconPlus, IconSearch } from '@tabler/icons-react'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { type Search, windowOf } from '../app/search'
import { useMay } from '../app/session'
import { STATE_WORDS, StateBadge } from '../parts/account-state'
import { Head } from '../parts/head'
import { List } from '../parts/list'
import { Empty, Failed, Loading } from '../parts/states'
import { Typed } from '../parts/typed'
import { useWindow } from '../parts/window'
import { PLATFORMS } from '../parts/words-of'
import { type Account, useAccounts, useFailures, useStandings } from './accounts/data'
import { AccountSheet } from './accounts/form'
import { useColumns, useNarrow } from './accounts/columns'

export function Page() {
  const { t } = useTranslation('accounts')
  const navigate = useNavigate()
  const search = useSearch({ strict: false })
  const mayChange = useMay('admin')
  const accounts = useAccounts()
  const standings = useStandings()
  const columns = useColumns(standings, useFailures(useWindow()))
  const narrow = useNarrow(standings)
  const set = (change: Search) => void navigate({ to: '.', search: (old: Search) => ({ ...old, ...change }), replace: true })
  const all = accounts.data ?? []
  const rows = all.filter((one) => fits(one, search))
  const add = mayChange && (
    <Button size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => set({ open: 'new' })}>
      {t('create')}
    </Button>
  )
  return (
    <>
      <Head title={t('title')}>{add}</Head>
      <Counts accounts={all} />
      <Group gap="xs" mb="xs">
        <Typed size="xs" leftSection={<IconSearch size={14} aria-hidden />} placeholder={t('filter.q')} aria-label={t('filter.q')} value={search.q ?? ''} say={(q) => set({ q: q || undefined })} />
        <Select size="xs" w={140} clearable aria-label={t('field.platform')} placeholder={t('field.platform')} data={[...PLATFORMS]} value={search.platform ?? null} onChange={(platform) => set({ platform: platform ?? undefined })} />
        <Select size="xs" w={150} clearable aria-label={t('column.state')} placeholder={t('column.state')} data={STATE_WORDS.map((value) => ({ value, label: t(`state.${value}`) }))} value={search.status ?? null} onChange={(status) => set({ status: status ?? undefined })} />
        <Select size="xs" w={160} clearable searchable aria-label={t('column.groups')} placeholder={t('column.groups')} data={[...new Set(all.flatMap(({ groups }) => groups))].sort()} value={search.group ?? null} onChange={(group) => set({ group: group ?? undefined })} />
      </Group>
      {accounts.isError && !accounts.data ? (
        <Failed thrown={accounts.error} retry={() => void accounts.refetch()} />
      ) : (
        <List
          name="accounts"
          label={t('title')}
          rows={rows}
          columns={columns}
          narrow={narrow}
          rowKey={({ id }) => id}
          onOpen={({ id }) => void navigate({ to: '/accounts/$id', params: { id: String(id) }, search: windowOf(search) as never })}
          empty={accounts.isPending ? <Loading rows={8} /> : <Empty action={all.length === 0 ? add : undefined}>{all.length === 0 ? t('empty') : t('noneFits')}</Empty>}
          foot={<Text size="xs">{t('rows', { count: rows.length, all: String(all.length) })}</Text>}
        />
      )}
      {search.open === 'new' && mayChange && <AccountSheet onClose={() => set({ open: undefined })} onDone={({ id }) => void navigate({ to: '/accounts/$id', params: { id: String(id) } })} />}
    </>
  )
}

function fits(account: Account, { q, platform, status, group }: Search): boolean {
  const text = [account.name, account.base_url, ...account.models, ...account.state.marks.map(({ reason }) => reason)].join('\n').toLowerCase()
  return (!q || text.includes(q.toLowerCase())) && (!platform || account.platform === platform) && (!status || account.state.status === status) && (!group || account.groups.includes(group))
}

/** How many stand how. */
function Counts({ accounts }: { accounts: Account[] }) {
  const counts = STATE_WORDS.map((state) => [state, accounts.filter((one) => one.state.status === state).length] as const).filter(([, count]) => count > 0)
  return (
    <Group gap="sm" mb="xs" mih={22}>
      {counts.map(([state, count]) => (
        <Group gap={4} key={state}>
          <Text size="sm" fw={700}>
            {count}
          </Text>
          <StateBadge state={state} />
        </Group>
      ))}
    </Group>
  )
}
