/** A moment: relative and local, UTC under the pointer. */
import { useTranslation } from 'react-i18next'
import { momentFormat } from './format'
import { relative, spoken } from './number'
import { useNow } from './now'
import { useJoined } from './joined'

interface Props {
  at: string | null | undefined
  /** `relative` alone, `absolute` alone, or one after the other. */
  as?: 'relative' | 'absolute' | 'both'
}

export function When({ at, as = 'relative' }: Props) {
  const { i18n } = useTranslation()
  const { aside } = useJoined()
  const now = useNow()
  if (!at) return <span>–</span>
  const moment = Date.parse(at)
  const absolute = local(moment, i18n.language)
  // The page's clock stands still between its ticks: what happened since its last one is not in the future.
  const ago = as === 'absolute' ? '' : relative(moment, moment > now ? Math.max(now, Math.min(moment, Date.now())) : now, i18n.language)
  return (
    <time dateTime={at} title={`${at}\n${absolute}`}>
      {as === 'relative' ? ago : as === 'absolute' ? absolute : aside(absolute, ago)}
    </time>
  )
}

/** A moment in a row of a long list: it listens to nothing, for it does not change. */
export function Moment({ at }: { at: string }) {
  const absolute = local(Date.parse(at))
  return (
    <time dateTime={at} title={`${at}\n${absolute}`}>
      {absolute}
    </time>
  )
}

const TIME = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const
const DAY_AND_TIME = { year: 'numeric', month: '2-digit', day: '2-digit', ...TIME } as const

/** As clocks here show it, to the second; without the day where that is today. */
export function local(moment: number, language: string = spoken()): string {
  const isToday = new Date(moment).toDateString() === new Date().toDateString()
  return momentFormat(language, isToday ? TIME : DAY_AND_TIME).format(moment)
}
