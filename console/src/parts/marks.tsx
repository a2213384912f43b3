/** Badges for rows of long lists: a shape and a word, as light as text. */
import { IconAlertOctagon, IconAlertTriangle, IconBuilding, IconInfoCircle, IconPointFilled, IconServer2, IconUserCircle } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import type { Of } from '../api/client'
import classes from './marks.module.css'

const OWNERS = { client: IconUserCircle, provider: IconBuilding, platform: IconServer2 } as const
const SEVERITIES = { P0: IconAlertOctagon, P1: IconAlertTriangle, P2: IconInfoCircle, P3: IconPointFilled } as const

export function Owner({ owner }: { owner: Of<'Owner'> }) {
  const { t } = useTranslation()
  const Icon = OWNERS[owner]
  return (
    <span className={classes.mark} data-is={owner}>
      <Icon size={13} aria-hidden />
      {t(`owner.${owner}`)}
    </span>
  )
}

export function Severity({ severity }: { severity: Of<'Severity'> }) {
  const { t } = useTranslation()
  const Icon = SEVERITIES[severity]
  return (
    <span className={classes.mark} data-is={severity} title={t(`severity.${severity}`)}>
      <Icon size={13} aria-hidden />
      {severity}
    </span>
  )
}
