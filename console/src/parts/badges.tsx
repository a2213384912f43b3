/** Kinds of things at a glance: a shape and a word each, the colour only beside them. */
import { Badge } from '@mantine/core'
import {
  IconAlertOctagon, IconAlertTriangle, IconBuilding, IconInfoCircle, IconPointFilled, IconServer2, IconUserCircle,
} from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import type { Of } from '../api/client'
import { useGateway } from '../words/gateway'
import classes from './badges.module.css'

const OWNERS = {
  client: { color: 'grape', Icon: IconUserCircle },
  provider: { color: 'orange', Icon: IconBuilding },
  platform: { color: 'blue', Icon: IconServer2 },
} as const

/** Whose fault it was. */
export function OwnerBadge({ owner }: { owner: Of<'Owner'> }) {
  const { t } = useTranslation()
  const { color, Icon } = OWNERS[owner]
  return (
    <Badge variant="light" color={color} leftSection={<Icon size={12} aria-hidden />} tt="none" classNames={{ label: classes.label }}>
      {t(`owner.${owner}`)}
    </Badge>
  )
}

const SEVERITIES = {
  P0: { color: 'red', Icon: IconAlertOctagon },
  P1: { color: 'orange', Icon: IconAlertTriangle },
  P2: { color: 'yellow', Icon: IconInfoCircle },
  P3: { color: 'gray', Icon: IconPointFilled },
} as const

export function SeverityBadge({ severity }: { severity: Of<'Severity'> }) {
  const { color, Icon } = SEVERITIES[severity]
  return (
    <Badge miw="fit-content" variant="light" color={color} leftSection={<Icon size={12} aria-hidden />} tt="none" classNames={{ label: classes.label }}>
      {severity}
    </Badge>
  )
}

/** The stage of a request's way in which it failed. */
export function Phase({ phase }: { phase: string }) {
  return <>{useGateway().phase(phase)}</>
}

/** The cause's stable word, as the API and the filters have it; what it means is under the pointer where the language has words for it. */
export function Cause({ cause }: { cause: string }) {
  const { explanation } = useGateway()
  return (
    <span className="mono" title={explanation(cause, '') || undefined}>
      {cause}
    </span>
  )
}
