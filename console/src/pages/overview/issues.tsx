/** What hurts most, and one step from there to the provider's own words. */
import { Group, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Search } from '../../app/search'
import { OwnerBadge, SeverityBadge } from '../../parts/badges'
import { IssueStateBadge } from '../../parts/issue-state'
import { count } from '../../parts/number'
import { Loaded } from '../../parts/states'
import { Spark } from '../../parts/spark'
import { When } from '../../parts/when'
import { useTopIssues, windowFor } from './asks'
import { Go } from './go'
import type { Every } from './live'
import classes from './overview.module.css'
import type { Issue } from './state'

export function TopIssues({ window, every }: { window: Search; every: Every }) {
  const { t } = useTranslation('overview')
  const found = useTopIssues(windowFor(window), every)
  return (
    <Loaded query={found} rows={5}>
      {({ items }) => (
        <>
          {items.length === 0 && <Text size="sm">{t('issues.none')}</Text>}
          <ul className={classes.rows}>
            {items.map((issue) => (
              <Line key={issue.fingerprint} issue={issue} window={window} />
            ))}
          </ul>
          <Go target={{ to: '/issues', search: window }} size="sm">
            {t('issues.all')}
          </Go>
        </>
      )}
    </Loaded>
  )
}

function Line({ issue, window }: { issue: Issue; window: Search }) {
  const { t, i18n } = useTranslation('overview')
  const { fingerprint, title, severity, state, owner, hidden_count, users, hourly, first_seen, sample_error_id } = issue
  return (
    <li className={classes.issue}>
      <SeverityBadge severity={severity} />
      <div className={classes.issueTitle}>
        <Text size="sm" className={classes.cut} title={title}>
          <Go target={{ to: '/issues/$fingerprint', params: { fingerprint }, search: window }} inherit>
            {title || issue.cause}
          </Go>
        </Text>
        <Text size="xs" component="div" className={`${classes.cut} ${classes.below}`}>
          <span className="mono">{issue.cause}</span> · {t('issues.since')} <When at={first_seen} /> · {t('issues.users', { count: users })} ·{' '}
          <Go target={{ to: '/errors/$id', params: { id: String(sample_error_id) }, search: window }} inherit className={classes.inText}>
            {t('issues.words')}
          </Go>
        </Text>
      </div>
      <div className={classes.issueRest}>
        <Spark values={hourly} label={t('issues.hourly', { now: count(hourly.at(-1) ?? 0, i18n.language), most: count(Math.max(0, ...hourly), i18n.language) })} />
        <IssueStateBadge state={state} />
        <OwnerBadge owner={owner} />
        <Group gap="xs" wrap="nowrap">
          <Go target={{ to: '/errors', search: { ...window, issue: fingerprint } }} size="xs">
            {t('issues.count', { number: count(issue.count, i18n.language) })}
          </Go>
          <Go target={{ to: '/errors', search: { ...window, issue: fingerprint, recovered: 'true' } }} size="xs">
            {t('issues.hidden', { number: count(hidden_count, i18n.language) })}
          </Go>
        </Group>
      </div>
    </li>
  )
}
