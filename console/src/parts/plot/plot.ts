/** The one place that knows uPlot, which draws axes and lines on a canvas; all else in a picture is drawn beside it. */
import uPlot from 'uplot'
import type { Figure } from '../figure/figure'
import { tickSaid } from '../figure/said'
import { timeStep, timeTicks } from '../figure/times'
import { holding } from '../holding'
import { font, INK, widthOf } from './ink'
import { type Chosen, type Ground, type Line, type Look, type Picture, pictureOf, shapeOf, type Side, type Under } from './picture'
import classes from './plot.module.css'
import { pointer } from './pointer'
import { tipIn } from './tip'

export interface Plot {
  show: (figure: Figure) => void
  end: () => void
}

export interface Told {
  /** Absent where nothing can be brushed, or chosen. */
  onBrush?: (from: number, to: number) => void
  onChoose?: (chosen: Chosen) => void
}

/** Labels below an axis are no nearer to each other. */
const LABEL_PX = 60
/** As near to a bar as this is as good as on it. */
const NEAR_PX = 10
const [TOP_PX, RIGHT_PX, BELOW_PX] = [10, 16, 22]
const DASH = [6, 4]

export function plot(place: HTMLElement, look: Look, told: Told): Plot {
  let drawn: Drawn | undefined
  let newest: Figure | undefined
  let size: Size | undefined
  let soon: ReturnType<typeof setTimeout> | undefined
  const draw = () => {
    if (!newest || !size) return
    const picture = pictureOf(newest, look, size.height)
    if (drawn?.shape === shapeOf(picture)) return drawn.change(picture)
    drawn?.end()
    drawn = drawnIn(place, size, picture, look, told)
  }
  // Of many charts that are to be drawn at once each is a task of its own: whoever clicks meanwhile is heard between two.
  const begin = () => {
    clearTimeout(soon)
    soon = setTimeout(draw)
  }
  // Whoever asked an element how large it is would have the whole page laid out at once.
  const resized = new ResizeObserver(([entry]) => {
    const { width, height } = entry?.contentRect ?? { width: 0, height: 0 }
    if (width === 0 || height === 0) return
    const before = size
    size = { width: Math.floor(width), height: Math.floor(height) }
    if (!drawn) return begin()
    drawn.resize(size)
    // How many labels there is room for beside it is of the picture.
    if (before?.height !== size.height) draw()
  })
  resized.observe(place)
  // A new picture would take away the brush that is being drawn on the old one.
  const pictures = holding(place, (figure: Figure) => {
    newest = figure
    if (drawn) draw()
    else begin()
  })
  return {
    show: pictures.show,
    end() {
      clearTimeout(soon)
      pictures.end()
      resized.disconnect()
      drawn?.end()
    },
  }
}

interface Size {
  width: number
  height: number
}

interface Drawn {
  shape: string
  /** Shows another picture of the same shape. */
  change: (picture: Picture) => void
  resize: (size: Size) => void
  end: () => void
}

function drawnIn(place: HTMLElement, size: Size, first: Picture, look: Look, { onBrush, onChoose }: Told): Drawn {
  let picture = first
  let pointed: { x: number; y: number } | undefined
  const u = new uPlot(optionsOf(size, () => picture, look), dataOf(picture), place)
  const tip = tipIn(u.over)
  u.root.classList.add(classes.plot ?? '')
  u.over.classList.add(classes.over ?? '')
  u.over.dataset['brushes'] = String(onBrush !== undefined)

  const under = (x: number, y: number): Under | undefined => {
    const value = u.posToVal(y, 'left')
    return picture.under({ at: u.posToVal(x, 'x'), value, near: Math.abs(u.posToVal(y - NEAR_PX, 'left') - value) })
  }
  const hide = () => {
    pointed = undefined
    tip.hide()
  }
  const tell = (x: number, y: number) => {
    const found = under(x, y)
    pointed = { x, y }
    u.over.dataset['chooses'] = String(onChoose !== undefined && found?.chosen !== undefined)
    if (!found) return tip.hide()
    const dots = found.dots.map(({ value, isRight, color }) => ({ color, top: u.valToPos(value, isRight ? 'right' : 'left') }))
    tip.show(found.tip, u.valToPos(found.at, 'x'), dots, x, y)
  }
  const select = (from: number, to: number) => u.setSelect({ left: from, top: 0, width: to - from, height: u.over.clientHeight }, false)
  const unhear = pointer(u.over, onBrush !== undefined, {
    onOver: tell,
    onAway: hide,
    onGrow: select,
    onGiveUp: () => select(0, 0),
    onBrushed: (from, to) => onBrush?.(Math.round(u.posToVal(from, 'x')), Math.round(u.posToVal(to, 'x'))),
    onChosen(x, y) {
      const chosen = under(x, y)?.chosen
      if (chosen) onChoose?.(chosen)
    },
  })
  return {
    shape: shapeOf(first),
    change(next) {
      const { from, to } = picture.span
      picture = next
      if (from !== next.span.from || to !== next.span.to) select(0, 0)
      u.batch(() => u.setData(dataOf(next)))
      if (pointed) tell(pointed.x, pointed.y)
    },
    resize({ width, height }) {
      if (width === u.width && height === u.height) return
      hide()
      u.setSize({ width, height })
    },
    end() {
      unhear()
      u.destroy()
    },
  }
}

/** All lines over the same moments; where there is none, the axes are drawn all the same. */
function dataOf({ moments, lines, span: { from, to } }: Picture): uPlot.AlignedData {
  const values = lines.map(({ values }) => [...values])
  return moments.length > 0 ? [[...moments], ...values] : [[from, to], ...lines.map(() => [null, null])]
}

function optionsOf(size: Size, picture: () => Picture, { scheme, language }: Look): uPlot.Options {
  const ink = INK[scheme]
  const { lines, right } = picture()
  const stepOf = ({ bbox }: uPlot) => {
    const { from, to } = picture().span
    return timeStep(to - from, Math.max(1, Math.floor(bbox.width / uPlot.pxRatio / LABEL_PX)))
  }
  const dress = { stroke: ink.text, font: font(1), ticks: { stroke: ink.line, width: 1, size: 4 }, gap: 4, space: 1 }
  const side = (of: (picture: Picture) => Side | undefined, scale: string, at: 1 | 3): uPlot.Axis => ({
    ...dress,
    scale,
    side: at,
    ticks: { show: false },
    grid: { show: of(picture())?.hasGrid ?? false, stroke: ink.line, width: 1 },
    splits: () => [...(of(picture())?.scale.ticks ?? [])],
    values: () => [...(of(picture())?.labels ?? [])],
    size: () => Math.ceil(Math.max(...(of(picture())?.labels ?? []).map(widthOf), 0)) + 8,
  })
  return {
    ...size,
    padding: [TOP_PX, right ? 0 : RIGHT_PX, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: () => [picture().span.from, picture().span.to] },
      left: { range: () => [picture().left.scale.low, picture().left.scale.high] },
      ...(right && { right: { range: () => [picture().right?.scale.low ?? 0, picture().right?.scale.high ?? 1] } }),
    },
    axes: [
      {
        ...dress,
        scale: 'x',
        size: BELOW_PX,
        grid: { show: false },
        border: { show: true, stroke: ink.line, width: 1 },
        splits: (u) => timeTicks(picture().span.from, picture().span.to, stepOf(u)),
        values: (u, splits) => splits.map((at) => tickSaid(at, stepOf(u), language)),
      },
      side(({ left }) => left, 'left', 3),
      ...(right ? [side(({ right }) => right, 'right', 1)] : []),
    ],
    series: [{}, ...lines.map((line, of) => seriesOf(line, () => picture().lines[of]?.lone ?? []))],
    hooks: {
      drawAxes: [(u) => aside(u, picture().below)],
      draw: [(u) => aside(u, picture().above)],
    },
  }
}

function seriesOf({ color, isDashed, isBridged, isRight }: Line, lone: () => readonly number[]): uPlot.Series {
  return {
    scale: isRight ? 'right' : 'left',
    stroke: color,
    width: 2,
    dash: isDashed ? DASH.map((one) => one * uPlot.pxRatio) : undefined,
    spanGaps: isBridged,
    points: { show: false, filter: () => (lone().length > 0 ? [...lone()] : null), size: 7, fill: color },
  }
}

/** uPlot remembers what it set last: it finds everything as it was. */
function aside(u: uPlot, paint: (ground: Ground) => void): void {
  u.ctx.save()
  paint({ context: u.ctx, box: u.bbox, ratio: uPlot.pxRatio, x: (at) => u.valToPos(at, 'x', true), y: (value) => u.valToPos(value, 'left', true) })
  u.ctx.restore()
}
