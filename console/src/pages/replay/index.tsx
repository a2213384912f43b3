/** One replay: how far it is, what came of its failures, and what became of their issues. */
import { Alert, Anchor, Stack, Text } from '@mantine/core'
import { IconHandStop } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { $api, api, type Of } from '../../api/client'
import { useMay } from '../../app/session'
import { SureButton } from '../../parts/aside'
import { nameOf, useAccountChoices } from '../../parts/choices'
import { FactsGrid } from '../../parts/facts-grid'
import { Head } from '../../parts/head'
import { useJoined } from '../../parts/joined'
import { count, usd } from '../../parts/number'
import { Panel } from '../../parts/panel'
import { Loaded } from '../../parts/states'
import { When } from '../../parts/when'
import { Outcome } from '../replays/outcome'
import { ReplayStatusBadge } from '../replays/status'
import { ReplayProgress } from '../replays/verdicts'
import { Items } from './items'

type Replay = Of<'Replay'>

const PATH = '/api/v1/admin/ops/replays/{id}'

export function Page() {
  const { id = '' } = useParams({ strict: false })
  const found = $api.useQuery(
    'get',
    PATH,
    { params: { path: { id: Number(id) } } },
    { refetchInterval: ({ state }) => (state.data?.status === 'running' || (state.data?.under_way ?? 0) > 0 ? 2_000 : 30_000) },
  )
  return (
    <Loaded query={found} rows={16}>
      {(replay) => <Shown key={id} replay={replay} />}
    </Loaded>
  )
}

function Shown({ replay }: { replay: Replay }) {
  const { t } = useTranslation('replays')
  return (
    <Stack gap="sm">
      <Head title={t('one', { id: String(replay.id) })}>
        <Cancel replay={replay} />
      </Head>
      <ReplayProgress replay={replay} />
      {replay.stopped_because && (
        <Alert color="orange" icon={<IconHandStop />} p="xs" title={t(`status.${replay.status}`)}>
          {t(`stopped.${replay.stopped_because}`)}
        </Alert>
      )}
      <About replay={replay} />
      {replay.issues.length > 0 && (
        <Panel title={t('issues')}>
          {replay.issues.map((one) => (
            <Outcome key={one.issue} of={one} withIssue />
          ))}
        </Panel>
      )}
      <Items replay={replay} />
    </Stack>
  )
}

function Cancel({ replay }: { replay: Replay }) {
  const { t } = useTranslation('replays')
  const queries = useQueryClient()
  const mayAct = useMay('operator')
  if (!mayAct || replay.status !== 'running') return null
  const act = async () => {
    await api.POST('/api/v1/admin/ops/replays/{id}/cancel', { params: { path: { id: replay.id } } })
    await queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === 'replays' || String(queryKey[1]).startsWith('/api/v1/admin/ops/replays') })
  }
  return (
    <SureButton what={t('cancelWhat')} act={act} color="red">
      {t('cancel')}
    </SureButton>
  )
}

function About({ replay }: { replay: Replay }) {
  const { t, i18n } = useTranslation('replays')
  const { named } = useJoined()
  const accounts = useAccountChoices()
  const { budget } = replay
  const number = (value: number) => count(value, i18n.language)
  const spent = usd(replay.spent_usd, i18n.language)
  return (
    <FactsGrid
      facts={[
        [t('column.status'), <ReplayStatusBadge key="status" status={replay.status} />],
        [t('column.created'), <When key="created" at={replay.created_at} as="both" />],
        [t('column.finished'), replay.finished_at ? <When key="finished" at={replay.finished_at} as="both" /> : null],
        [t('column.mode'), named(t(`mode.${replay.mode}`), nameOf(accounts, replay.pinned_account_id))],
        [t('candidates'), replay.candidates_is_estimate ? t('atLeast', { count: replay.candidates }) : number(replay.candidates)],
        [t('sent'), number(replay.sent)],
        [t('budget'), t('budgetSaid', { count: budget.max_count, rate: number(budget.per_minute) })],
        [t('column.spent'), budget.max_usd === null || budget.max_usd === undefined ? spent : t('spentOf', { spent, most: usd(budget.max_usd, i18n.language) })],
        [t('unpriced'), replay.unpriced > 0 ? number(replay.unpriced) : null],
        [t('by'), replay.requested_by_user_id ? t('byUser', { id: String(replay.requested_by_user_id) }) : t('byToken')],
        [t('filter'), <Filter key="filter" filter={replay.filter} />],
        [t('column.note'), replay.note ? <span className="said">{replay.note}</span> : null],
      ]}
    />
  )
}

/** The filter, which is the address of the list of errors, too. */
function Filter({ filter }: { filter: Record<string, string> }) {
  return (
    <Anchor component={Link} to="/errors" search={filter as never} size="sm">
      {Object.entries(filter).map(([name, value]) => (
        <Text key={name} span display="block" size="xs" className="mono said">
          {name}={value}
        </Text>
      ))}
    </Anchor>
  )
}
