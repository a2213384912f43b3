/** A figure made ready for its place and the language: all that `plot.ts` needs to put it on a canvas. */
import type { Figure, Span } from '../figure/figure'
import type { Scale } from '../figure/scale'
import type { Tip } from '../figure/tip'
import { heatPicture } from './heat'
import { timelinePicture } from './timeline'

export interface Look {
  scheme: 'light' | 'dark'
  language: string
}

/** Where to draw, in pixels of the canvas, of which there are `ratio` to each of the page's. */
export interface Ground {
  context: CanvasRenderingContext2D
  box: { left: number; top: number; width: number; height: number }
  ratio: number
  x: (at: number) => number
  y: (value: number) => number
}

export interface Line {
  color: string
  values: readonly (number | null | undefined)[]
  isDashed: boolean
  isBridged: boolean
  isRight: boolean
  /** What no line leads to or from: drawn as dots. */
  lone: readonly number[]
}

/** An axis of values: what stands at each of its scale's ticks. */
export interface Side {
  scale: Scale
  labels: readonly (string | null)[]
  hasGrid: boolean
}

/** A place in a picture, as its axes have it. */
export interface Where {
  at: number
  value: number
  /** As much of the values as still counts as near. */
  near: number
}

/** A piece of a bar: of which series, and from when to when its step is. */
export interface Chosen {
  series: string
  at: number
  to: number
}

export interface Under {
  tip: Tip
  /** Where in time it is. */
  at: number
  dots: { value: number; isRight: boolean; color: string }[]
  /** What a click would choose. */
  chosen?: Chosen
}

export interface Picture {
  span: Span
  moments: readonly number[]
  lines: readonly Line[]
  left: Side
  right?: Side
  /** Drawn under the lines. */
  below: (ground: Ground) => void
  /** Drawn over them. */
  above: (ground: Ground) => void
  under: (where: Where) => Under | undefined
}

/** `height` is that of the place, in pixels. */
export function pictureOf(figure: Figure, look: Look, height: number): Picture {
  return figure.kind === 'heat' ? heatPicture(figure, look, height) : timelinePicture(figure, look, height)
}

/** What cannot be changed in what is drawn: where it differs, all is drawn anew. */
export function shapeOf({ lines, right }: Picture): string {
  return JSON.stringify([right !== undefined, lines.map(({ color, isDashed, isBridged, isRight }) => [color, isDashed, isBridged, isRight])])
}
