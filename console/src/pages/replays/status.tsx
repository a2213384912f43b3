/** How a replay stands: a shape and a word. */
import { Badge } from '@mantine/core'
import { IconCircleCheck, IconHandStop, IconPlayerPlay, IconX } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../api/client'

const STATUSES = {
  running: { color: 'blue', Icon: IconPlayerPlay },
  finished: { color: 'teal', Icon: IconCircleCheck },
  cancelled: { color: 'gray', Icon: IconX },
  stopped: { color: 'orange', Icon: IconHandStop },
} as const satisfies Record<Of<'ReplayStatus'>, unknown>

export function ReplayStatusBadge({ status }: { status: Of<'ReplayStatus'> }) {
  const { t } = useTranslation('replays')
  const { color, Icon } = STATUSES[status]
  return (
    <Badge variant="light" color={color} leftSection={<Icon size={12} aria-hidden />} tt="none">
      {t(`status.${status}`)}
    </Badge>
  )
}
