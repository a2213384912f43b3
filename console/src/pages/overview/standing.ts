/** How an account's standing looks: a shape, a word and a tone. Pure. */
import { IconAlertOctagon, IconBan, IconCircleCheck, IconCircleHalf2, IconFlame, IconHourglass, IconPlayerPause, IconStack2 } from '@tabler/icons-react'
import type { TFunction } from 'i18next'
import type { Of } from '../../api/client'
import type { Account } from './state'

export interface Look {
  /** What needs somebody most is shown first. */
  need: number
  tone: 'red' | 'orange' | 'yellow' | 'blue' | 'teal' | 'gray'
  Icon: typeof IconBan
  word: (t: TFunction<'overview'>) => string
}

const STATUS: Record<Of<'StateWord'>, Omit<Look, 'word'>> = {
  error: { need: 0, tone: 'red', Icon: IconAlertOctagon },
  overloaded: { need: 1, tone: 'orange', Icon: IconFlame },
  rate_limited: { need: 2, tone: 'yellow', Icon: IconHourglass },
  paused: { need: 3, tone: 'yellow', Icon: IconPlayerPause },
  half_open: { need: 4, tone: 'blue', Icon: IconCircleHalf2 },
  active: { need: 6, tone: 'teal', Icon: IconCircleCheck },
  disabled: { need: 7, tone: 'gray', Icon: IconBan },
}

/** What keeps an account whose own standing is good. */
const OBSTACLES = ['no_slot', 'quota_reached', 'no_credential', 'way_failing'] as const

export function lookOf({ status, available, obstacle }: Pick<Account, 'status' | 'available' | 'obstacle'>): Look {
  // The description names another type here: on the wire it is a word.
  const kept = status === 'active' && !available ? OBSTACLES.find((one) => one === String(obstacle)) : undefined
  if (kept) return { need: 5, tone: 'orange', Icon: IconStack2, word: (t) => t(`obstacle.${kept}`) }
  return { ...STATUS[status], word: (t) => t(`status.${status}`) }
}
