/** A chart, drawn by what is loaded when one is first shown. What it shows is also in words or in a table: pass `label`. */
import { Box, Skeleton, useComputedColorScheme } from '@mantine/core'
import { useEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import classes from './chart.module.css'
import { type Figure, without } from './figure/figure'
import type { Chosen } from './plot/picture'
import type { Plot } from './plot/plot'

interface Props {
  /** Absent while it is not known yet. */
  figure: Figure | undefined
  /** What is to be seen, for those who do not see it. */
  label: string
  height?: number
  /** Names stand beside the chart already. */
  isNamed?: boolean
  /** A span of time was brushed, in milliseconds since 1970. */
  onBrush?: (from: number, to: number) => void
  /** A bar was chosen: the name of its series, and when its step begins and ends. */
  onChoose?: (chosen: Chosen) => void
}

export function Chart({ figure, label, height = 220, isNamed = false, onBrush, onChoose }: Props) {
  const { i18n } = useTranslation()
  const scheme = useComputedColorScheme('light')
  const place = useRef<HTMLDivElement>(null)
  const told = useRef({ onBrush, onChoose })
  told.current = { onBrush, onChoose }
  const [plot, setPlot] = useState<Plot>()
  const [off, setOff] = useState<ReadonlySet<string>>(new Set())
  const shown = useMemo(() => figure && without(figure, off), [figure, off])
  const { language } = i18n
  const [brushes, chooses] = [onBrush !== undefined, onChoose !== undefined]

  useEffect(() => {
    let made: Plot | undefined
    let isGone = false
    void import('./plot/plot').then(({ plot }) => {
      if (isGone || !place.current) return
      made = plot(place.current, { scheme, language }, {
        onBrush: brushes ? (from, to) => told.current.onBrush?.(from, to) : undefined,
        onChoose: chooses ? (chosen) => told.current.onChoose?.(chosen) : undefined,
      })
      setPlot(made)
    })
    return () => {
      isGone = true
      made?.end()
      setPlot(undefined)
    }
  }, [scheme, language, brushes, chooses])

  useEffect(() => {
    if (shown) plot?.show(shown)
  }, [plot, shown])

  return (
    <Box h={height} className={classes.chart}>
      {figure && !isNamed && <Legend figure={figure} off={off} setOff={setOff} />}
      <div role="img" aria-label={label} className={classes.picture}>
        <div ref={place} className={classes.place} />
        {!(plot && shown) && <Skeleton h="100%" pos="absolute" inset={0} />}
      </div>
    </Box>
  )
}

/** The names of what is drawn, each of which can be turned off. One alone needs no name. */
function Legend({ figure, off, setOff }: { figure: Figure; off: ReadonlySet<string>; setOff: (off: ReadonlySet<string>) => void }) {
  if (figure.kind === 'heat') return null
  const { series, spells } = figure
  const all = [...series.map(({ name, color, kind, isDashed }) => ({ name, color, sign: isDashed ? 'dashes' : kind })), ...(spells ? [{ ...spells, sign: 'spell' }] : [])]
  if (all.length < 2) return null
  const turn = (name: string) => setOff(off.has(name) ? new Set([...off].filter((one) => one !== name)) : new Set([...off, name]))
  return (
    <div className={classes.legend}>
      {all.map(({ name, color, sign }) => (
        <button key={name} type="button" className={classes.named} aria-pressed={!off.has(name)} onClick={() => turn(name)}>
          <span className={classes.sign} data-sign={sign} style={{ color }} aria-hidden />
          {name}
        </button>
      ))}
    </div>
  )
}
