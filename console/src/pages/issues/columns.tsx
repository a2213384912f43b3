/** The columns of the list of issues. */
import type { Of } from '../../api/client'
import { Cause, OwnerBadge, SeverityBadge } from '../../parts/badges'
import { IssueStateBadge } from '../../parts/issue-state'
import type { Column } from '../../parts/list'
import { count } from '../../parts/number'
import { Spark } from '../../parts/spark'
import { When } from '../../parts/when'
import { useGateway } from '../../words/gateway'
import { useTranslation } from 'react-i18next'

export type Issue = Of<'IssueLog'>

export function useIssueColumns(): Column<Issue>[] {
  const { t, i18n } = useTranslation('issues')
  const gateway = useGateway()
  const number = (value: number) => count(value, i18n.language)
  const members = (value: number, issue: Issue) => (issue.members_are_bounded && value >= 100 ? `≥ ${number(value)}` : number(value))
  return [
    { key: 'state', title: t('column.state'), width: '122px', cell: ({ state }) => <IssueStateBadge state={state} /> },
    { key: 'title', title: t('column.title'), width: 'minmax(260px, 3fr)', cell: ({ title }) => <span title={title}>{title}</span> },
    { key: 'hourly', title: t('column.hourly'), width: '112px', cell: ({ hourly }) => <Spark values={hourly} label={t('spark', { total: number(sum(hourly)), now: number(hourly.at(-1) ?? 0) })} /> },
    { key: 'count', title: t('column.count'), width: '84px', align: 'right', cell: (issue) => number(issue.count) },
    { key: 'hidden', title: t('column.hidden'), width: '76px', align: 'right', cell: ({ hidden_count }) => number(hidden_count) },
    { key: 'impact', title: t('column.impact'), width: '76px', align: 'right', cell: ({ impact }) => number(Math.round(impact * 10) / 10) },
    { key: 'cause', title: t('column.cause'), width: '172px', cell: ({ cause }) => <Cause cause={cause} /> },
    { key: 'owner', title: t('column.owner'), width: '122px', cell: ({ owner }) => <OwnerBadge owner={owner} /> },
    { key: 'severity', title: t('column.severity'), width: '80px', cell: ({ severity }) => <SeverityBadge severity={severity} /> },
    { key: 'users', title: t('column.users'), width: '66px', align: 'right', cell: (issue) => members(issue.users, issue) },
    { key: 'keys', title: t('column.keys'), width: '66px', align: 'right', cell: (issue) => members(issue.api_keys, issue) },
    { key: 'accounts', title: t('column.accounts'), width: '76px', align: 'right', cell: (issue) => members(issue.accounts, issue) },
    { key: 'models', title: t('column.models'), width: '66px', align: 'right', cell: (issue) => members(issue.models, issue) },
    { key: 'groups', title: t('column.groups'), width: '66px', align: 'right', hidden: true, cell: (issue) => members(issue.groups, issue) },
    { key: 'last', title: t('column.last'), width: '112px', cell: ({ last_seen }) => <When at={last_seen} /> },
    { key: 'first', title: t('column.first'), width: '112px', cell: ({ first_seen }) => <When at={first_seen} /> },
    { key: 'platform', title: t('column.platform'), width: '100px', hidden: true, cell: ({ platform }) => platform },
    { key: 'phase', title: t('column.phase'), width: '100px', hidden: true, cell: ({ phase }) => gateway.phase(phase) },
    { key: 'status', title: t('column.status'), width: '120px', align: 'right', hidden: true, cell: ({ status_code }) => status_code ?? '–' },
  ]
}

function sum(values: readonly number[]): number {
  return values.reduce((all, one) => all + one, 0)
}
