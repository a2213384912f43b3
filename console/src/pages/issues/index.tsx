/** Failures of one kind as one thing, what hurts most first. */
import { Button, Group, Select, SegmentedControl, Text } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { api } from '../../api/client'
import { pick, type Search } from '../../app/search'
import { useAsked } from '../../parts/asked'
import { useAccountChoices, useGroupChoices, useKeyChoices, useUserChoices } from '../../parts/choices'
import { Head } from '../../parts/head'
import { List } from '../../parts/list'
import { Narrow } from '../../parts/narrow'
import { numbered } from '../../parts/numbered'
import { usePages } from '../../parts/pages'
import { Empty, Failed, Loading } from '../../parts/states'
import { useSetWindow, useWindow } from '../../parts/window'
import { CAUSES, OWNERS, PLATFORMS, SEVERITIES } from '../../parts/words-of'
import { useIssueColumns } from './columns'

const OPEN = 'new,ongoing,escalating,regressed'
const ALL = 'new,ongoing,escalating,regressed,resolved,ignored'
const STATES = ['escalating', 'regressed', 'new', 'ongoing', 'resolved', 'ignored'] as const
const FILTERS = ['platform', 'cause', 'owner', 'severity', 'account_id', 'group_id', 'api_key_id', 'user_id', 'model', 'q', 'sort']

export function Page() {
  const { t, i18n } = useTranslation(['issues', 'common'])
  const [asked, ask] = useAsked()
  const window = useWindow()
  const navigate = useNavigate()
  const state = asked.state ?? OPEN
  const found = usePages('issues', { state, page_size: '100', ...pick(asked, FILTERS), ...window }, page, { refetchInterval: 10_000 })
  const columns = useIssueColumns()
  const tabs = [
    { value: OPEN, label: t('tabs.open') },
    ...STATES.map((value) => ({ value, label: t(`state.${value}`) })),
    { value: ALL, label: t('tabs.all') },
  ]
  return (
    <>
      <Head title={t('common:menu.issues')}>
        <Order />
      </Head>
      <div style={{ overflowX: 'auto' }}>
        <SegmentedControl size="xs" mb="xs" data={tabs} value={state} onChange={(value) => ask({ state: value === OPEN ? undefined : value })} aria-label={t('tabs.label')} />
      </div>
      <Filters />
      {found.query.isError && !found.query.data ? (
        <Failed thrown={found.query.error} retry={() => void found.query.refetch()} />
      ) : (
        <List
          name="issues"
          label={t('list')}
          rows={found.rows}
          columns={columns}
          rowKey={({ fingerprint }) => fingerprint}
          onOpen={({ fingerprint }) => void navigate({ to: '/issues/$fingerprint', params: { fingerprint }, search: window })}
          more={found.more}
          isLoadingMore={found.isLoadingMore}
          stopped={found.stopped}
          height="calc(100dvh - 270px)"
          empty={found.query.data ? <None isOpen={state === OPEN} /> : <Loading rows={12} />}
          foot={<Text size="xs">{found.total !== undefined && t(found.isEstimate ? 'common:list.atLeast' : 'common:list.total', { count: found.total, formatted: i18n.language })}</Text>}
        />
      )}
    </>
  )
}

async function page(query: Search, signal: AbortSignal) {
  const { data } = await api.GET('/api/v1/admin/ops/issues', { params: { query: query as never }, signal })
  return numbered(data)
}

function None({ isOpen }: { isOpen: boolean }) {
  const { t } = useTranslation('issues')
  const look = useSetWindow()
  return (
    <Empty
      action={
        <Button size="xs" variant="default" onClick={() => look({ time_range: '30d' })}>
          {t('look30d')}
        </Button>
      }
    >
      {t(isOpen ? 'noneOpen' : 'none')}
    </Empty>
  )
}

function Order() {
  const { t } = useTranslation('issues')
  const [asked, ask] = useAsked()
  const orders = [
    { value: '-impact', label: t('sort.impact') },
    { value: '-last_seen', label: t('sort.lastSeen') },
    { value: '-first_seen', label: t('sort.firstSeen') },
    { value: '-count', label: t('sort.count') },
  ]
  return (
    <Group gap={6}>
      <Select
        size="xs"
        w={150}
        aria-label={t('sort.label')}
        data={orders}
        value={asked.sort ?? '-impact'}
        onChange={(sort) => ask({ sort: sort === '-impact' ? undefined : (sort ?? undefined) })}
        allowDeselect={false}
      />
    </Group>
  )
}

function Filters() {
  const { t } = useTranslation(['issues', 'common'])
  const [accounts, groups, keys, users] = [useAccountChoices(), useGroupChoices(), useKeyChoices(), useUserChoices()]
  return (
    <Narrow
      by={[
        { name: 'q', label: t('filter.q') },
        { name: 'platform', label: t('filter.platform'), choices: PLATFORMS, width: 120 },
        { name: 'owner', label: t('filter.owner'), choices: OWNERS.map((value) => ({ value, label: t(`common:owner.${value}`) })), width: 110 },
        { name: 'severity', label: t('filter.severity'), choices: SEVERITIES, width: 90 },
        { name: 'cause', label: t('filter.cause'), choices: CAUSES, width: 180 },
        { name: 'account_id', label: t('filter.account'), choices: accounts },
        { name: 'group_id', label: t('filter.group'), choices: groups, width: 120 },
        { name: 'api_key_id', label: t('filter.key'), choices: keys, width: 120 },
        { name: 'user_id', label: t('filter.user'), choices: users, width: 120 },
        { name: 'model', label: t('filter.model'), width: 140 },
      ]}
    />
  )
}
