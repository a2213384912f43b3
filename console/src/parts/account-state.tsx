/** How an account stands: a word, a shape, and a colour beside them. */
import { Badge } from '@mantine/core'
import { IconCircleCheck, IconCircleDashed, IconCircleOff, IconCircleX, IconFlame, IconHourglass, IconPlayerPause } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import type { Of } from '../api/client'

type Word = Of<'StateWord'>

/** The look of each state, the same wherever one is shown. */
export const STATES = {
  active: { color: 'teal', Icon: IconCircleCheck },
  rate_limited: { color: 'yellow', Icon: IconHourglass },
  overloaded: { color: 'orange', Icon: IconFlame },
  paused: { color: 'blue', Icon: IconPlayerPause },
  error: { color: 'red', Icon: IconCircleX },
  half_open: { color: 'grape', Icon: IconCircleDashed },
  disabled: { color: 'gray', Icon: IconCircleOff },
} as const satisfies Record<Word, unknown>

export const STATE_WORDS = Object.keys(STATES) as Word[]

export function StateBadge({ state }: { state: Word }) {
  const { t } = useTranslation('accounts')
  const { color, Icon } = STATES[state]
  return (
    <Badge variant="light" color={color} c="var(--mantine-color-text)" leftSection={<Icon size={13} color={`var(--mantine-color-${color}-filled)`} aria-hidden />} tt="none" data-state={state}>
      {t(`state.${state}`)}
    </Badge>
  )
}

/** Whether something is switched on. */
export function StatusBadge({ status }: { status: Of<'Status'> }) {
  return <StateBadge state={status} />
}
