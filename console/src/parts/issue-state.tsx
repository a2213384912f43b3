/** How an issue stands: a shape and a word, the colour only beside them. */
import { Badge } from '@mantine/core'
import { IconActivity, IconArrowBackUp, IconCircleCheck, IconEyeOff, IconSparkles, IconTrendingUp } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import type { Of } from '../api/client'

export type IssueState = Of<'IssueState'>

const STATES = {
  new: { color: 'blue', Icon: IconSparkles },
  ongoing: { color: 'orange', Icon: IconActivity },
  escalating: { color: 'red', Icon: IconTrendingUp },
  regressed: { color: 'grape', Icon: IconArrowBackUp },
  resolved: { color: 'teal', Icon: IconCircleCheck },
  ignored: { color: 'gray', Icon: IconEyeOff },
} as const satisfies Record<IssueState, unknown>

export function IssueStateBadge({ state }: { state: IssueState }) {
  const { t } = useTranslation('issues')
  const { color, Icon } = STATES[state]
  return (
    <Badge variant="light" color={color} leftSection={<Icon size={12} aria-hidden />} tt="none">
      {t(`state.${state}`)}
    </Badge>
  )
}
