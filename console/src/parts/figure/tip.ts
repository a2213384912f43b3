/** What is told of what is under the pointer. Pure. */
import type { HeatMap, Timeline } from './figure'
import type { Plan } from './plan'
import { momentSaid, plain, spanSaid } from './said'

export interface TipRow {
  color?: string
  name: string
  value: string
  /** It is the one that is pointed at. */
  isNear: boolean
}

export interface Tip {
  title: string
  rows: TipRow[]
}

/** More bars than this in a row, and those that are nothing are left out. */
const MANY = 4

export function tipOfStep(figure: Timeline, { moments, ends, values }: Plan, at: number, near: number | undefined, language: string): Tip | undefined {
  const { series, stepMs, spells, left, right } = figure
  const moment = moments[at]
  if (moment === undefined) return undefined
  const isMany = series.filter(({ kind }) => kind === 'bar').length > MANY
  const rows = series.flatMap(({ name, color, kind, isRight }, of) => {
    const value = values[of]?.[at]
    if (value === undefined || (kind === 'bar' && isMany && !value)) return []
    const say = (isRight ? right : left)?.say ?? ((one: number) => plain(one, language))
    return [{ color, name, value: value === null ? '–' : say(value), isNear: of === near }]
  })
  const lasting = spells?.spans.find(({ from, to }) => moment >= from && moment <= to)
  if (spells && lasting) rows.push({ color: spells.color, name: spells.name, value: spanSaid(lasting.from, lasting.to, language), isNear: false })
  const isBar = series.some(({ kind }) => kind === 'bar')
  return { title: isBar ? spanSaid(moment, ends[at] ?? moment, language) : momentSaid(moment, stepMs, language), rows }
}

export function tipOfCell({ columns, rows, cells, say }: HeatMap, column: number, row: number, language: string): Tip | undefined {
  const [span, name] = [columns[column], rows[row]]
  const cell = cells.find((one) => one.column === column && one.row === row)
  if (!span || name === undefined || !cell) return undefined
  return { title: spanSaid(span.from, span.to, language), rows: [{ name, value: say(cell.count), isNear: false }] }
}
