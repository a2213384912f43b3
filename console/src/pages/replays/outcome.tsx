/** What a replay did to an issue, and which failure decided. */
import { Anchor, Badge, Group, Text } from '@mantine/core'
import { IconCircleCheck, IconCircleDashed } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../api/client'

export function Outcome({ of, withIssue = false }: { of: Of<'ReplayIssue'>; withIssue?: boolean }) {
  const { t } = useTranslation('replays')
  const isResolved = of.outcome === 'resolved'
  const Icon = isResolved ? IconCircleCheck : IconCircleDashed
  return (
    <Group gap="xs" mt={6}>
      {withIssue && (
        <Anchor component={Link} to="/issues/$fingerprint" params={{ fingerprint: of.issue } as never} size="sm" className="mono">
          {of.issue}
        </Anchor>
      )}
      <Badge variant="light" color={isResolved ? 'teal' : 'orange'} leftSection={<Icon size={12} aria-hidden />} tt="none">
        {t(`outcome.${of.outcome}`)}
      </Badge>
      {of.why && (
        <Text size="sm" component="span">
          {t(`why.${of.why}`)}
        </Text>
      )}
      <Anchor component={Link} to="/errors/$id" params={{ id: String(of.error_id) } as never} size="sm">
        {t('decided', { id: String(of.error_id) })}
      </Anchor>
    </Group>
  )
}
