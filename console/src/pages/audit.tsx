/** The audit log: what was changed, seen in full or refused, by whom. */
import { Alert, Badge, Button, Code, Group, Stack, Table, Text, TextInput } from '@mantine/core'
import { IconCircleCheck, IconCircleX, IconHelp } from '@tabler/icons-react'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Of } from '../api/client'
import { pick, type Search } from '../app/search'
import { useMay } from '../app/session'
import { Id } from '../parts/copy'
import { Sheet } from '../parts/form'
import { Head } from '../parts/head'
import { useJoined } from '../parts/joined'
import { type Column, List } from '../parts/list'
import { usePages } from '../parts/pages'
import { Empty, Failed, Loading } from '../parts/states'
import { When } from '../parts/when'
import { useWindow } from '../parts/window'

type Entry = Of<'AuditEntry'>

const FILTERS = ['actor', 'action', 'subject', 'subject_id'] as const

export function Page() {
  const { t } = useTranslation('system')
  const isAdmin = useMay('admin')
  if (isAdmin) return <Log />
  return (
    <>
      <Head title={t('audit.title')} />
      <Alert color="gray">{t('audit.adminsOnly')}</Alert>
    </>
  )
}

function Log() {
  const { t } = useTranslation(['system', 'common'])
  const search = useSearch({ strict: false })
  const navigate = useNavigate()
  const [opened, setOpened] = useState<Entry>()
  const query = { ...useWindow(), ...pick(search, FILTERS), page_size: '200' }
  const entries = usePages<Entry>('audit log', query, async (query, signal) => {
    const { data } = await api.GET('/api/v1/admin/ops/audit-log', { params: { query: query as never }, signal })
    return { rows: data?.items ?? [], next: data?.next_cursor ?? null, total: data?.total ?? 0, isEstimate: data?.total_is_estimate ?? false }
  })
  const set = (change: Search) => void navigate({ to: '.', search: (old: Search) => ({ ...old, ...change }), replace: true })
  const columns = useColumns()
  const filtered = FILTERS.some((name) => search[name])
  return (
    <>
      <Head title={t('audit.title')}>
        <Button size="xs" variant="default" onClick={() => void entries.query.refetch()} loading={entries.query.isRefetching}>
          {t('common:act.refresh')}
        </Button>
      </Head>
      <Group gap="xs" mb="xs" align="end">
        {FILTERS.map((name) => (
          <Filter key={`${name} ${search[name] ?? ''}`} label={t(`audit.filter.${name}`)} value={search[name] ?? ''} set={(value) => set({ [name]: value || undefined })} />
        ))}
        {filtered && (
          <Button size="xs" variant="subtle" onClick={() => set(Object.fromEntries(FILTERS.map((name) => [name, undefined])))}>
            {t('common:act.clear')}
          </Button>
        )}
      </Group>
      {entries.query.isError && !entries.query.data ? (
        <Failed thrown={entries.query.error} retry={() => void entries.query.refetch()} />
      ) : (
        <List
          name="audit"
          label={t('audit.title')}
          rows={entries.rows}
          columns={columns}
          rowKey={({ id }) => id}
          onOpen={setOpened}
          more={entries.more}
          isLoadingMore={entries.isLoadingMore}
          stopped={entries.stopped}
          empty={entries.query.isPending ? <Loading rows={10} /> : <Empty>{filtered ? t('audit.noneFits') : t('audit.empty')}</Empty>}
          foot={<Text size="xs">{entries.total !== undefined && (entries.isEstimate ? t('common:list.atLeast', { count: entries.total }) : t('common:list.total', { count: entries.total }))}</Text>}
        />
      )}
      {opened && <One entry={opened} onClose={() => setOpened(undefined)} narrow={(change) => (setOpened(undefined), set(change))} />}
    </>
  )
}

/** Applied when it is left, or with the enter key: each one is a question to the store. */
function Filter({ label, value, set }: { label: string; value: string; set: (value: string) => void }) {
  const [text, setText] = useState(value)
  const apply = () => text !== value && set(text.trim())
  return (
    <TextInput
      size="xs"
      label={label}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={apply}
      onKeyDown={(event) => event.key === 'Enter' && apply()}
    />
  )
}

/** What came of it: a status below 400 is done, none is an end in between. */
function Result({ status }: { status: number | null | undefined }) {
  const { t } = useTranslation('system')
  const [color, Icon, said] = status === null || status === undefined ? (['orange', IconHelp, t('audit.interrupted')] as const) : status < 400 ? (['teal', IconCircleCheck, t('audit.done')] as const) : (['red', IconCircleX, t('audit.refused')] as const)
  return (
    <Badge variant="light" color={color} c="var(--mantine-color-text)" tt="none" leftSection={<Icon size={13} color={`var(--mantine-color-${color}-filled)`} aria-hidden />}>
      {status ?? ''} {said}
    </Badge>
  )
}

function useColumns(): Column<Entry>[] {
  const { t } = useTranslation(['system', 'people'])
  const joined = useJoined()
  return [
    { key: 'at', title: t('audit.column.at'), width: '180px', cell: ({ at }) => <When at={at} as="both" /> },
    { key: 'actor', title: t('audit.column.actor'), width: 'minmax(120px, 1fr)', cell: ({ actor }) => <strong>{actor}</strong> },
    { key: 'action', title: t('audit.column.action'), width: 'minmax(170px, 1fr)', cell: ({ action }) => <span className="mono">{action}</span> },
    { key: 'subject', title: t('audit.column.subject'), width: 'minmax(150px, 1fr)', cell: ({ subject, subject_id }) => [subject, subject_id].filter(Boolean).join(' ') },
    { key: 'status', title: t('audit.column.status'), width: '150px', cell: ({ status }) => <Result status={status} /> },
    { key: 'count', title: t('audit.column.count'), width: '70px', align: 'right', cell: ({ count }) => count },
    { key: 'fields', title: t('audit.column.fields'), width: 'minmax(200px, 2fr)', cell: ({ detail }) => said(detail, joined) },
    { key: 'role', title: t('audit.column.role'), width: '90px', cell: ({ role }) => (role ? t(`people:role.${role}`) : '–') },
    { key: 'through', title: t('audit.column.through'), width: '130px', cell: ({ through }) => t(`audit.throughs.${through}`) },
    { key: 'client_ip', title: t('audit.column.client_ip'), width: '130px', cell: ({ client_ip }) => <span className="mono">{client_ip}</span> },
  ]
}

/** The detail on one line. */
function said(detail: Record<string, unknown>, { list, named }: ReturnType<typeof useJoined>): string {
  return Object.entries(detail)
    .map(([name, value]) => (name === 'fields' && Array.isArray(value) ? list(value) : named(name, typeof value === 'string' ? value : JSON.stringify(value))))
    .join(' · ')
}

function One({ entry, onClose, narrow }: { entry: Entry; onClose: () => void; narrow: (change: Search) => void }) {
  const { t } = useTranslation(['system', 'people'])
  const { fields, ...rest } = entry.detail as { fields?: string[] } & Record<string, unknown>
  const rows: [string, ReactNode][] = [
    [t('audit.column.at'), <When key="at" at={entry.at} as="both" />],
    [t('audit.column.actor'), entry.actor],
    [t('audit.column.role'), entry.role ? t(`people:role.${entry.role}`) : '–'],
    [t('audit.column.through'), t(`audit.throughs.${entry.through}`)],
    [t('audit.column.client_ip'), <Id key="ip" value={entry.client_ip} />],
    [t('audit.column.action'), <span key="action" className="mono">{entry.action}</span>],
    [t('audit.column.subject'), [entry.subject, entry.subject_id].filter(Boolean).join(' ')],
    [t('audit.column.status'), <Result key="status" status={entry.status} />],
    [t('audit.column.count'), entry.count],
    [t('audit.column.fields'), fields?.length ? fields.map((field) => <Code key={field} mr={4}>{field}</Code>) : '–'],
    ...Object.entries(rest).map(([name, value]): [string, ReactNode] => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  ]
  return (
    <Sheet opened title={entry.action} onClose={onClose} size="md">
      <Stack>
        <Table verticalSpacing={4} layout="fixed">
          <Table.Tbody>
            {rows.map(([name, value]) => (
              <Table.Tr key={name}>
                <Table.Th scope="row" w={130} className="said">
                  {name}
                </Table.Th>
                <Table.Td className="said">{value}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        <Text size="sm">{t('audit.valuesNever')}</Text>
        <Group gap="xs">
          <Button size="xs" variant="default" onClick={() => narrow({ actor: entry.actor })}>
            {t('audit.byThem')}
          </Button>
          {entry.subject_id && (
            <Button size="xs" variant="default" onClick={() => narrow({ subject: entry.subject, subject_id: entry.subject_id ?? undefined })}>
              {t('audit.toIt')}
            </Button>
          )}
        </Group>
      </Stack>
    </Sheet>
  )
}
