/** A moment: relative and local, UTC under the pointer. */
import { useTranslation } from 'react-i18next'
import { relative } from './number'
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

/** As clocks here show it, to the second; without the day where that is today. */
export function local(moment: number, language: string): string {
  const today = new Date(moment).toDateString() === new Date().toDateString()
  return clock(language, today).format(moment)
}

// What formats is dear to make, and a list has one in every row.
const clocks = new Map<string, Intl.DateTimeFormat>()

function clock(language: string, today: boolean): Intl.DateTimeFormat {
  const key = `${language} ${today}`
  const day = today ? {} : ({ year: 'numeric', month: '2-digit', day: '2-digit' } as const)
  const found = clocks.get(key) ?? new Intl.DateTimeFormat(language, { ...day, hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
  clocks.set(key, found)
  return found
}
