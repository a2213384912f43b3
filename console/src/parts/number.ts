/** Numbers as people read them. Pure; the language is an argument. Of durations it is the page's where none is given. */
import { numberFormat, relativeFormat } from './format'

/** `1,234`; from ten thousand on `12.3K`. */
export function count(value: number, language: string): string {
  const compact = Math.abs(value) >= 10_000
  return numberFormat(language, compact ? { notation: 'compact', maximumFractionDigits: 1 } : {}).format(value)
}

/** A share of one hundred: what is almost all is never shown as all, nor what is almost nothing as nothing. */
export function percent(value: number | null | undefined, language: string): string {
  if (value === null || value === undefined) return '–'
  const near = value > 99 && value < 100 ? 3 : 2
  const floor = value > 99 ? Math.floor(value * 1000) / 1000 : value
  if (value > 0 && value < 0.01) return `<${numberFormat(language).format(0.01)} %`
  return `${numberFormat(language, { maximumFractionDigits: near }).format(floor)} %`
}

const UNITS = {
  en: { ms: 'ms', s: 's', min: 'min', h: 'h', d: 'd' },
  zh: { ms: '毫秒', s: '秒', min: '分', h: '小时', d: '天' },
} as const

const unitsOf = (language: string) => (language.startsWith('zh') ? UNITS.zh : UNITS.en)

/** The page's language. */
export const spoken = () => document.documentElement.lang

/** Milliseconds: `840 ms`, `2.4 s`, `3 min 20 s`, `5 h 10 min`, `2 d 3 h`. */
export function duration(ms: number | null | undefined, language: string = spoken()): string {
  if (ms === null || ms === undefined) return '–'
  const unit = unitsOf(language)
  if (ms < 1_000) return `${Math.round(ms)} ${unit.ms}`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} ${unit.s}`
  const units = [
    [unit.d, 86_400_000],
    [unit.h, 3_600_000],
    [unit.min, 60_000],
    [unit.s, 1_000],
  ] as const
  const first = units.findIndex(([, size]) => ms >= size)
  const parts: string[] = []
  let left = ms
  for (const [name, size] of units.slice(first, first + 2)) {
    const whole = Math.floor(left / size)
    if (whole > 0) parts.push(`${whole} ${name}`)
    left -= whole * size
  }
  return parts.join(' ')
}

/** Whole seconds and more, of what counts down or was set: `12 s`, `4 min 3 s`. */
export function span(seconds: number, language: string = spoken()): string {
  return seconds < 60 ? `${seconds} ${unitsOf(language).s}` : duration(seconds * 1_000, language)
}

/** `12 B`, `3.4 KiB`, `1.2 MiB`. */
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = value < 1 ? 0 : Math.min(Math.floor(Math.log2(value) / 10), units.length - 1)
  const scaled = value / 1024 ** power
  return `${power === 0 ? scaled : scaled.toFixed(scaled < 10 ? 1 : 0)} ${units[power]}`
}

/** US dollars; the small change of one request is shown, too. */
export function usd(value: number | null | undefined, language: string): string {
  if (value === null || value === undefined) return '–'
  const digits = value !== 0 && Math.abs(value) < 1 ? 4 : 2
  return numberFormat(language, { style: 'currency', currency: 'USD', minimumFractionDigits: 2, maximumFractionDigits: digits }).format(value)
}

/** How long ago, or how long from now: `3 min. ago`, `in 5 hr.` */
export function relative(at: number, now: number, language: string): string {
  const seconds = (at - now) / 1_000
  const units = [
    ['day', 86_400],
    ['hour', 3_600],
    ['minute', 60],
    ['second', 1],
  ] as const
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? units[3]
  return relativeFormat(language, { numeric: 'auto', style: 'short' }).format(Math.trunc(seconds / size), unit)
}
