/** How an event stands: a shape and a word. */
import { Badge } from '@mantine/core'
import { IconBellRinging, IconCircleCheck, IconHandStop } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../api/client'

const STATUSES = {
  firing: { color: 'red', Icon: IconBellRinging },
  resolved: { color: 'teal', Icon: IconCircleCheck },
  manual_resolved: { color: 'gray', Icon: IconHandStop },
} as const satisfies Record<Of<'EventStatus'>, unknown>

export function EventStatusBadge({ status }: { status: Of<'EventStatus'> }) {
  const { t } = useTranslation('alerts')
  const { color, Icon } = STATUSES[status]
  return (
    <Badge variant="light" color={color} leftSection={<Icon size={12} aria-hidden />} tt="none">
      {t(`status.${status}`)}
    </Badge>
  )
}
