/** Values over time as a picture: bars on each other, lines over them, thresholds and what lasted over all. */
import type { Axis, Mark, Spells, Timeline } from '../figure/figure'
import { pieceAt, nearest, stepAt } from '../figure/near'
import { lone, type Plan, planOf, scaleFor } from '../figure/plan'
import { short } from '../figure/said'
import { tipOfStep } from '../figure/tip'
import { barsOf } from './bars'
import { font, INK } from './ink'
import type { Ground, Line, Look, Picture, Side, Under, Where } from './picture'

/** Labels beside an axis are no nearer to each other. */
const LABEL_PX = 38

export function timelinePicture(figure: Timeline, look: Look, height: number): Picture {
  const { series, left, right, marks = [], spells, from, to } = figure
  const plan = planOf(figure)
  const steps = Math.min(5, Math.max(1, Math.floor(height / LABEL_PX)))
  const side = (axis: Axis | undefined, isRight: boolean): Side => {
    const scale = scaleFor(figure, plan, isRight, steps)
    const say = axis?.say ?? ((value: number) => short(value, look.language))
    return { scale, labels: scale.ticks.map(say), hasGrid: !isRight }
  }
  const drawn = series.map((one, of) => ({ ...one, values: plan.values[of] ?? [], pieces: plan.pieces[of] ?? [] }))
  return {
    span: { from, to },
    moments: plan.moments,
    lines: drawn
      .filter(({ kind }) => kind === 'line')
      .map(({ color, values, isDashed = false, isBridged = false, isRight = false }): Line => ({ color, values, isDashed, isBridged, isRight, lone: lone(values, isBridged) })),
    left: side(left, false),
    right: series.some(({ isRight }) => isRight) ? side(right, true) : undefined,
    below(ground) {
      for (const { color, pieces } of drawn) {
        ground.context.fillStyle = color
        for (const { left, top, width, height } of barsOf(pieces, plan.moments, plan.ends, ground)) ground.context.fillRect(left, top, width, height)
      }
    },
    above(ground) {
      for (const mark of marks) threshold(mark, ground, look)
      if (spells) lasting(spells, ground)
    },
    under: (where) => underOf(figure, plan, where, look.language),
  }
}

function underOf(figure: Timeline, plan: Plan, { at, value, near }: Where, language: string): Under | undefined {
  const { series } = figure
  const hasBars = series.some(({ kind }) => kind === 'bar')
  const step = hasBars ? stepAt(plan.moments, plan.ends, at) : nearest(plan.moments, at)
  if (step === undefined) return undefined
  const moment = plan.moments[step] ?? at
  const end = plan.ends[step] ?? moment
  const of = hasBars ? pieceAt(plan.pieces.map((pieces) => pieces[step]), value, near) : undefined
  const pointed = of === undefined ? undefined : series[of]
  const tip = tipOfStep(figure, plan, step, of, language)
  if (!tip) return undefined
  return {
    tip,
    at: hasBars ? (moment + end) / 2 : moment,
    dots: series.flatMap(({ kind, color, isRight = false }, of) => {
      const value = plan.values[of]?.[step]
      return kind === 'line' && typeof value === 'number' ? [{ value, isRight, color }] : []
    }),
    chosen: pointed && { series: pointed.name, at: moment, to: end },
  }
}

/** A dashed line, and what it is above its end. */
function threshold({ name, value, color }: Mark, { context, box, ratio, y }: Ground, { scheme }: Look): void {
  const height = Math.round(y(value)) + (Math.round(ratio) % 2) / 2
  context.strokeStyle = color
  context.lineWidth = Math.max(1, ratio * 1.5)
  context.setLineDash([5 * ratio, 4 * ratio])
  context.beginPath()
  context.moveTo(box.left, height)
  context.lineTo(box.left + box.width, height)
  context.stroke()
  context.fillStyle = INK[scheme].text
  context.font = font(ratio)
  context.textAlign = 'right'
  context.textBaseline = 'bottom'
  // It can be read also where a line goes through it.
  context.strokeStyle = INK[scheme].ground
  context.lineWidth = 4 * ratio
  context.lineJoin = 'round'
  context.setLineDash([])
  const end = [box.left + box.width - 4 * ratio, height - 3 * ratio] as const
  context.strokeText(name, ...end)
  context.fillText(name, ...end)
}

/** A thick line from when to when, with a diamond at either end. */
function lasting({ spans, value, color }: Spells, { context, box, ratio, x, y }: Ground): void {
  const height = y(value)
  const half = 5 * ratio
  context.beginPath()
  context.rect(box.left - half, box.top, box.width + 2 * half, box.height)
  context.clip()
  context.fillStyle = color
  for (const { from, to } of spans) {
    const [begin, end] = [x(from), x(to)]
    context.fillRect(begin, height - 3 * ratio, end - begin, 6 * ratio)
    for (const at of [begin, end]) {
      context.beginPath()
      context.moveTo(at, height - half)
      context.lineTo(at + half, height)
      context.lineTo(at, height + half)
      context.lineTo(at - half, height)
      context.fill()
    }
  }
}
