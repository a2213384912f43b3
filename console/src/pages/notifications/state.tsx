/** How a delivery stands: a shape and a word. */
import { Badge } from '@mantine/core'
import { IconCheck, IconClock, IconHelp, IconTrash, IconX } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../api/client'

const STATES = {
  pending: { color: 'blue', Icon: IconClock },
  sent: { color: 'teal', Icon: IconCheck },
  failed: { color: 'red', Icon: IconX },
  uncertain: { color: 'orange', Icon: IconHelp },
  dropped: { color: 'gray', Icon: IconTrash },
} as const satisfies Record<Of<'DeliveryState'>, unknown>

export const DELIVERY_STATES = Object.keys(STATES) as Of<'DeliveryState'>[]

export function DeliveryState({ state }: { state: Of<'DeliveryState'> }) {
  const { t } = useTranslation('watch')
  const { color, Icon } = STATES[state]
  return (
    <Badge variant="light" color={color} leftSection={<Icon size={12} aria-hidden />} tt="none">
      {t(`notifications.state.${state}`)}
    </Badge>
  )
}
