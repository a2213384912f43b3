/** How an account's standing looks: a shape, a word and a tone. Pure. */
import { type Icon, IconStack2 } from '@tabler/icons-react'
import type { TFunction } from 'i18next'
import type { Of } from '../../api/client'
import { STATES } from '../../parts/account-state'
import type { Account } from './state'

export interface Look {
  /** What needs somebody most is shown first. */
  need: number
  tone: 'red' | 'orange' | 'yellow' | 'blue' | 'grape' | 'teal' | 'gray'
  Icon: Icon
  word: (t: TFunction<['overview', 'accounts']>) => string
}

const NEED: Record<Of<'StateWord'>, number> = { error: 0, overloaded: 1, rate_limited: 2, paused: 3, half_open: 4, active: 6, disabled: 7 }

/** What keeps an account whose own standing is good. */
const OBSTACLES = ['no_slot', 'quota_reached', 'no_credential', 'way_failing'] as const

export function lookOf({ status, available, obstacle }: Pick<Account, 'status' | 'available' | 'obstacle'>): Look {
  // The description names another type here: on the wire it is a word.
  const kept = status === 'active' && !available ? OBSTACLES.find((one) => one === String(obstacle)) : undefined
  if (kept) return { need: 5, tone: 'orange', Icon: IconStack2, word: (t) => t(`obstacle.${kept}`) }
  const { color, Icon } = STATES[status]
  return { need: NEED[status], tone: color, Icon, word: (t) => t(`accounts:state.${status}`) }
}
