/** The states that an issue went through, newest first, and why. */
import { Group, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../api/client'
import { Panel } from '../../parts/panel'
import { When } from '../../parts/when'
import { IssueStateBadge } from '../../parts/issue-state'

export function Timeline({ timeline }: { timeline: readonly Of<'IssueTransition'>[] }) {
  const { t } = useTranslation(['issues', 'common'])
  return (
    <Panel title={t('timeline')}>
      <Stack component="ol" gap="xs" p={0} m={0} style={{ listStyle: 'none' }}>
        {timeline.map(({ at, to, why, by, detail }) => (
          <li key={`${at} ${to} ${why}`}>
            <Group gap="xs">
              <IssueStateBadge state={to} />
              <Text size="sm" component="span">
                {t(`why.${why}`)}
                {by && t('common:join.clause') + t('by', { who: by })}
              </Text>
              <Text size="xs" component="span">
                <When at={at} as="both" />
              </Text>
            </Group>
            {detail && (
              <Text size="sm" className="said" pl="xs">
                {detail}
              </Text>
            )}
          </li>
        ))}
      </Stack>
    </Panel>
  )
}
