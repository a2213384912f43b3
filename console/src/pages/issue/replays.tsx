/** The replays that were made of an issue, the newest ones, with what became of it. */
import { Anchor, Group, Stack, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { $api } from '../../api/client'
import { Panel } from '../../parts/panel'
import { When } from '../../parts/when'
import { Outcome } from '../replays/outcome'
import { ReplayStatusBadge } from '../replays/status'
import { ReplayProgress } from '../replays/verdicts'

const SHOWN = 3

export function Replays({ issue }: { issue: string }) {
  const { t } = useTranslation(['issues', 'replays'])
  const { data } = $api.useQuery('get', '/api/v1/admin/ops/replays', { params: { query: { page_size: 100 } } }, { refetchInterval: 5_000 })
  const its = data?.items.filter(({ filter }) => filter.issue === issue).slice(0, SHOWN) ?? []
  if (its.length === 0) return null
  return (
    <Panel title={t('replays')}>
      <Stack gap="md">
        {its.map((replay) => (
          <div key={replay.id}>
            <Group gap="xs" mb={6}>
              <Anchor component={Link} to="/replays/$id" params={{ id: String(replay.id) } as never} size="sm">
                {t('replays:one', { id: String(replay.id) })}
              </Anchor>
              <ReplayStatusBadge status={replay.status} />
              <Text size="xs" component="span">
                <When at={replay.created_at} as="both" />
              </Text>
            </Group>
            <ReplayProgress replay={replay} />
            {replay.issues
              .filter((one) => one.issue === issue)
              .map((one) => (
                <Outcome key={one.issue} of={one} />
              ))}
          </div>
        ))}
      </Stack>
    </Panel>
  )
}
