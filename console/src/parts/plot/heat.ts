/** A heat map as a picture. */
import { HEAT } from '../../app/theme'
import type { HeatMap } from '../figure/figure'
import { spanAt } from '../figure/near'
import { tipOfCell } from '../figure/tip'
import type { Look, Picture } from './picture'
import { shades } from './shades'

/** Names of rows are no nearer to each other. */
const LABEL_PX = 18

export function heatPicture(figure: HeatMap, { scheme, language }: Look, height: number): Picture {
  const { columns, rows, cells, most, from, to } = figure
  const shade = shades(HEAT[scheme])
  const every = Math.max(1, Math.ceil((rows.length * LABEL_PX) / height))
  return {
    span: { from, to },
    moments: [],
    lines: [],
    left: {
      scale: { low: 0, high: Math.max(1, rows.length), ticks: rows.map((_, row) => row + 0.5) },
      // The highest is always named.
      labels: rows.map((name, row) => ((rows.length - 1 - row) % every === 0 ? name : null)),
      hasGrid: false,
    },
    below({ context, ratio, x, y }) {
      const gap = Math.round(ratio)
      for (const { column, row, count } of cells) {
        const span = columns[column]
        if (!span) continue
        const [left, right] = [Math.round(x(span.from)), Math.round(x(span.to))]
        const [top, bottom] = [Math.round(y(row + 1)), Math.round(y(row))]
        context.fillStyle = shade(most === 0 ? 0 : count / most)
        context.fillRect(left, top, right - left - gap, bottom - top - gap)
      }
    },
    above: () => undefined,
    under({ at, value }) {
      const column = spanAt(columns, at)
      const span = column === undefined ? undefined : columns[column]
      const tip = column === undefined ? undefined : tipOfCell(figure, column, Math.floor(value), language)
      return tip && span && { tip, at: (span.from + span.to) / 2, dots: [] }
    },
  }
}
