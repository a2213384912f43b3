/** The issue that a failure belongs to, and the way to its likes. */
import { Anchor, Badge, Group, Stack, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../api/client'
import { whereHidden } from '../../parts/filters/hidden'
import { within } from '../../parts/filters/use'
import { IssueStateBadge } from '../../parts/issue-state'
import { count } from '../../parts/number'
import { Panel } from '../../parts/panel'

export function IssueOf({ error }: { error: Of<'ErrorLogDetail'> }) {
  const { t, i18n } = useTranslation('errors')
  const { issue } = error
  const said = (value: number) => count(value, i18n.language)
  return (
    <Panel title={t('issue.title')} aside={error.resolved ? <Badge variant="light" color="teal" tt="none">{t('mark.resolved')}</Badge> : undefined}>
      <Stack gap={4}>
        {issue ? (
          <>
            <Group gap="xs">
              <IssueStateBadge state={issue.state} />
              <Text size="sm">{t('issue.counts', { seen: said(issue.count), hidden: said(issue.hidden_count) })}</Text>
            </Group>
            <Anchor component={Link} to="/issues/$fingerprint" params={{ fingerprint: issue.fingerprint } as never} search={within()} size="sm">
              {t('issue.open')}
            </Anchor>
            <Anchor component={Link} to="/errors" search={within({ issue: issue.fingerprint, ...whereHidden(issue.count) })} size="sm">
              {t('issue.failures')}
            </Anchor>
          </>
        ) : (
          <>
            <Text size="sm">{t('issue.none')}</Text>
            <Anchor component={Link} to="/errors" search={within({ fingerprint: error.fingerprint, ...whereHidden(error.recovered ? 0 : 1) })} size="sm">
              {t('issue.failures')}
            </Anchor>
          </>
        )}
      </Stack>
    </Panel>
  )
}
