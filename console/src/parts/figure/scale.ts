/** From where to where an axis of values goes, and where it is labelled. Pure. */
import type { Axis } from './figure'

export interface Scale {
  low: number
  high: number
  ticks: number[]
}

const ROUND = [1, 2, 2.5, 3, 4, 5, 10] as const

/** The round step by which `span` is gone through in at most `most` of them. */
export function roundStep(span: number, most: number, isWhole = false): number {
  const least = Math.max(span / most, isWhole ? 1 : 0)
  const power = 10 ** Math.floor(Math.log10(least))
  const step = ROUND.map((one) => one * power).find((one) => one >= least * (1 - 1e-9) && !(isWhole && one % 1 > 0))
  return step ?? 10 * power
}

/** Holds every value, begins and ends where it is round, and has at most `most` steps, or one more where it is cut. */
export function scaleOf(values: readonly number[], axis: Axis = {}, most = 4): Scale {
  const { isWhole, isCut, most: ceiling, keeps } = axis
  const kept = keeps === undefined ? values : [...values, keeps]
  const top = ceiling ?? kept.reduce((high, value) => Math.max(high, value), isCut ? -Infinity : 0)
  const bottom = kept.reduce((low, value) => Math.min(low, value), isCut ? Infinity : 0)
  const [low, high] = Number.isFinite(top) && Number.isFinite(bottom) ? apart(bottom, top, ceiling !== undefined) : [0, 1]
  const step = roundStep(high - low, most, isWhole)
  const first = Math.floor(low / step + 1e-9)
  const last = ceiling === undefined ? Math.ceil(high / step - 1e-9) : Math.floor(ceiling / step + 1e-9)
  const ticks = Array.from({ length: last - first + 1 }, (_, at) => clean((first + at) * step))
  return { low: ticks[0] ?? low, high: ceiling ?? ticks.at(-1) ?? high, ticks }
}

/** Where there is one value alone there is still something to draw it on. */
function apart(low: number, high: number, isCeiling: boolean): [number, number] {
  if (low < high) return [low, high]
  return isCeiling ? [high - 1, high] : [high, high + 1]
}

/** Without what adding up binary fractions leaves behind: 0.3, not 0.30000000000000004. */
function clean(value: number): number {
  return Number(value.toPrecision(12))
}
