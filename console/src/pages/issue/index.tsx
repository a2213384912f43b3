/** One issue: what fails, what to do about it, what is different, and whom it meets. */
import { Alert, Stack, Table, Text } from '@mantine/core'
import { IconBulb, IconRefresh } from '@tabler/icons-react'
import { useParams } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { $api, type Of } from '../../api/client'
import { Cause, OwnerBadge, SeverityBadge } from '../../parts/badges'
import { Id } from '../../parts/copy'
import { FactsGrid } from '../../parts/facts-grid'
import { Head } from '../../parts/head'
import { IssueStateBadge } from '../../parts/issue-state'
import { count } from '../../parts/number'
import { Panel } from '../../parts/panel'
import { Loaded } from '../../parts/states'
import { When } from '../../parts/when'
import { useGateway } from '../../words/gateway'
import { Acts } from './acts'
import { Hours } from './chart'
import { Different } from './different'
import classes from './issue.module.css'
import { Members } from './members'
import { Notes } from './notes'
import { Replays } from './replays'
import { Samples } from './samples'
import { Timeline } from './timeline'

export function Page() {
  const { fingerprint = '' } = useParams({ strict: false })
  const found = $api.useQuery('get', '/api/v1/admin/ops/issues/{fingerprint}', { params: { path: { fingerprint } } }, { refetchInterval: 10_000 })
  return (
    <Loaded query={found} rows={20}>
      {(issue) => <Shown key={fingerprint} issue={issue} />}
    </Loaded>
  )
}

function Shown({ issue }: { issue: Of<'IssueDetail'> }) {
  return (
    <Stack gap="sm">
      <Head title={issue.title}>
        <Acts issue={issue} />
      </Head>
      <About issue={issue} />
      <Remedy issue={issue} />
      <div className={classes.columns}>
        <div className={classes.column}>
          <Hours hours={issue.hours} />
          <Different issue={issue.fingerprint} seen={issue.count} lastSeen={issue.last_seen} />
          <Samples issue={issue.fingerprint} seen={issue.count} />
          <Kinds kinds={issue.kinds} />
        </div>
        <div className={classes.column}>
          <Replays issue={issue.fingerprint} />
          <Timeline timeline={issue.timeline} />
          <Members issue={issue.fingerprint} members={issue.members} />
          <Notes issue={issue.fingerprint} notes={issue.notes} />
        </div>
      </div>
    </Stack>
  )
}

function About({ issue }: { issue: Of<'IssueDetail'> }) {
  const { t, i18n } = useTranslation('issues')
  const { scope } = useGateway()
  const number = (value: number) => count(value, i18n.language)
  return (
    <FactsGrid
      facts={[
        [t('column.state'), <IssueStateBadge key="state" state={issue.state} />],
        [t('since'), <Since key="since" issue={issue} />],
        [t('ignoredUntil'), issue.state === 'ignored' ? <Ignored issue={issue} /> : null],
        [t('column.count'), number(issue.count)],
        [t('column.hidden'), number(issue.hidden_count)],
        [t('column.impact'), number(Math.round(issue.impact * 10) / 10)],
        [t('column.owner'), <OwnerBadge key="owner" owner={issue.owner} />],
        [t('column.severity'), <SeverityBadge key="severity" severity={issue.severity} />],
        [t('column.cause'), <Cause key="cause" cause={issue.cause} />],
        [t('column.platform'), issue.platform],
        [t('column.status'), issue.status_code ? [issue.status_code, issue.provider_code].filter(Boolean).join(' ') : null],
        [t('column.scope'), scope(issue.scope)],
        [t('column.first'), <When key="first" at={issue.first_seen} />],
        [t('column.last'), <When key="last" at={issue.last_seen} />],
        [t('column.fingerprint'), <Id key="id" value={issue.fingerprint} />],
      ]}
    />
  )
}

function Since({ issue }: { issue: Of<'IssueDetail'> }) {
  const { t } = useTranslation(['issues', 'common'])
  return (
    <>
      <When at={issue.state_since} />
      {t('common:join.colon')}
      {t(`why.${issue.state_why}`)}
      {issue.state_by && t('common:join.clause') + t('by', { who: issue.state_by })}
    </>
  )
}

function Ignored({ issue }: { issue: Of<'IssueDetail'> }) {
  const { t } = useTranslation('issues')
  return (
    <>
      <When at={issue.ignore_until} as="absolute" />
      {issue.ignore_count ? ` ${t('ignoredCount', { count: issue.ignore_count })}` : ''}
      {issue.ignore_escalation ? ` ${t('ignoredEscalation')}` : ''}
    </>
  )
}

function Remedy({ issue }: { issue: Of<'IssueDetail'> }) {
  const { t } = useTranslation('issues')
  const gateway = useGateway()
  return (
    <>
      {issue.recounting && (
        <Alert color="gray" icon={<IconRefresh />} p="xs">
          {t('recounting')}
        </Alert>
      )}
      {issue.part_by && <Text size="sm">{t('part', { by: gateway.splitBy(issue.part_by), value: issue.part_value ?? '–' })}</Text>}
      <Alert color="blue" icon={<IconBulb />} title={t('remedy')}>
        <Text size="sm" className="said">
          {gateway.explanation(issue.cause, issue.explanation)}
        </Text>
        <Text size="sm" className="said" fw={600}>
          {gateway.remedy(issue.cause, issue.remedy)}
        </Text>
      </Alert>
    </>
  )
}

function Kinds({ kinds }: { kinds: readonly Of<'IssueKind'>[] }) {
  const { t } = useTranslation('issues')
  return (
    <Panel title={t('kinds')}>
      <Table.ScrollContainer minWidth={420}>
        <Table fz="xs" verticalSpacing={3} horizontalSpacing={6}>
          <Table.Tbody>
            {kinds.map((kind) => (
              <Table.Tr key={kind.fingerprint}>
                <Table.Td className="said">{kind.title}</Table.Td>
                <Table.Td>
                  <Cause cause={kind.cause} />
                </Table.Td>
                <Table.Td>{kind.platform}</Table.Td>
                <Table.Td>{[kind.status_code, kind.provider_code].filter(Boolean).join(' ') || '–'}</Table.Td>
                <Table.Td>
                  <Id value={kind.fingerprint} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Panel>
  )
}
