/** What a chart shows: plain data. How it is drawn, `parts/plot` alone knows. */

/** From one moment to another, in milliseconds since 1970. */
export interface Span {
  from: number
  to: number
}

/** A moment, and what was then; `null` where there was nothing to count. */
export type Point = readonly [at: number, value: number | null]

export interface Series {
  name: string
  color: string
  /** Bars stand on each other, and each is as wide as its step, from its moment on. */
  kind: 'bar' | 'line'
  points: readonly Point[]
  isDashed?: boolean
  /** A line goes on over what is not there. */
  isBridged?: boolean
  /** Is measured by the axis on the right. */
  isRight?: boolean
}

/** What values are measured by. */
export interface Axis {
  /** How a value is said; as a plain number where it is not told. */
  say?: (value: number) => string
  /** There is nothing between one and two. */
  isWhole?: boolean
  /** Begins at the least value there is, not at nothing. */
  isCut?: boolean
  /** No value is above. */
  most?: number
  /** Is in sight, also where no value is near it. */
  keeps?: number
}

/** A value that others are measured against: a dashed line over the whole width. */
export interface Mark {
  name: string
  value: number
  color: string
}

/** What lasted for some time, drawn thickly at a value. */
export interface Spells {
  name: string
  color: string
  value: number
  spans: readonly Span[]
}

/** Values over time. */
export interface Timeline extends Span {
  kind: 'timeline'
  /** How long a step is; it ends sooner where the next one begins, or the whole ends. */
  stepMs: number
  series: readonly Series[]
  left?: Axis
  right?: Axis
  marks?: readonly Mark[]
  spells?: Spells
}

/** How many there were of each of a few named kinds, over time: the more, the stronger the colour. */
export interface HeatMap extends Span {
  kind: 'heat'
  columns: readonly Span[]
  /** The lowest first. */
  rows: readonly string[]
  cells: readonly { column: number; row: number; count: number }[]
  /** The largest count. */
  most: number
  say: (count: number) => string
}

export type Figure = Timeline | HeatMap

/** What is shown of a figure of which some names were turned off. */
export function without(figure: Figure, names: ReadonlySet<string>): Figure {
  if (figure.kind === 'heat' || names.size === 0) return figure
  const { series, spells } = figure
  return { ...figure, series: series.filter(({ name }) => !names.has(name)), spells: spells && !names.has(spells.name) ? spells : undefined }
}

/** The time that an answer of the dashboards is about. */
export function spanOf({ start_time, end_time }: { start_time: string; end_time: string }): Span {
  return { from: Date.parse(start_time), to: Date.parse(end_time) }
}

/** Points of what has a beginning each. */
export function pointsOf<One extends { start_time: string }>(all: readonly One[], value: (one: One) => number | null | undefined): Point[] {
  return all.map((one) => [Date.parse(one.start_time), value(one) ?? null])
}
