/** Numbers and moments of charts in a language. */
import { momentFormat, numberFormat } from '../format'
import { DAY } from './times'

const DATE = { month: 'short', day: 'numeric' } as const
const MINUTE = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const
const SHAPES = {
  day: DATE,
  year: { ...DATE, year: 'numeric' },
  minute: MINUTE,
  second: { ...MINUTE, second: '2-digit' },
  dayMinute: { ...DATE, ...MINUTE },
  daySecond: { ...DATE, ...MINUTE, second: '2-digit' },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>

function moment(shape: keyof typeof SHAPES, at: number, language: string): string {
  return momentFormat(language, SHAPES[shape]).format(at)
}

/** A number as it stands beside an axis: short. */
export function short(value: number, language: string): string {
  if (Math.abs(value) < 10_000) return plain(value, language)
  return numberFormat(language, { notation: 'compact', maximumFractionDigits: 1 }).format(value)
}

export function plain(value: number, language: string): string {
  return numberFormat(language, Math.abs(value) < 1 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 2 }).format(value)
}

/** What stands below an axis at one of its ticks: the day where one begins, else the time. */
export function tickSaid(at: number, step: number, language: string): string {
  if (step >= 300 * DAY) return moment('year', at, language)
  const moments = new Date(at)
  const isMidnight = moments.getHours() === 0 && moments.getMinutes() === 0 && moments.getSeconds() === 0
  if (isMidnight || step >= DAY) return moment('day', at, language)
  return moment(step < 60_000 ? 'second' : 'minute', at, language)
}

/** A moment by itself: with the day where that is not today, with seconds where steps are as short. */
export function momentSaid(at: number, step: number, language: string, now: number = Date.now()): string {
  const isToday = new Date(at).toDateString() === new Date(now).toDateString()
  const isFine = step % 60_000 !== 0 || at % 60_000 !== 0
  return moment(isToday ? (isFine ? 'second' : 'minute') : isFine ? 'daySecond' : 'dayMinute', at, language)
}

/** From when to when; the day once where it is the same. */
export function spanSaid(from: number, to: number, language: string, now: number = Date.now()): string {
  const step = to - from
  const isSameDay = new Date(from).toDateString() === new Date(to).toDateString()
  return `${momentSaid(from, step, language, now)} – ${momentSaid(to, step, language, isSameDay ? to : now)}`
}
