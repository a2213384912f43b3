/** A chart, loaded when one is first shown. What it shows is also in words or in a table: pass `label`. */
import { Box, Skeleton, useComputedColorScheme } from '@mantine/core'
import type { EChartsOption } from 'echarts'
import { useEffect, useRef, useState } from 'react'
import type { Chart as Drawn } from './echarts'

interface Props {
  option: EChartsOption
  /** What is to be seen, for those who do not see it. */
  label: string
  height?: number
  /** A span of time was brushed, in milliseconds since 1970. */
  onBrush?: (from: number, to: number) => void
  /** A point or bar was chosen. */
  onChoose?: (point: { name: string; seriesName: string; value: unknown }) => void
}

let last: Promise<void> = Promise.resolve()

/** One drawing at a time, with a rest before each: four charts at once would hold up whoever clicks meanwhile. */
function inTurn(act: () => void | Promise<void>): Promise<void> {
  // What one chart throws is no other's affair.
  const turn = last.then(() => new Promise<void>((done) => setTimeout(done))).then(act)
  last = turn.catch(() => undefined)
  return turn
}

export function Chart({ option, label, height = 220, onBrush, onChoose }: Props) {
  const scheme = useComputedColorScheme('light')
  const place = useRef<HTMLDivElement>(null)
  const drawn = useRef<Drawn | null>(null)
  const told = useRef({ onBrush, onChoose })
  told.current = { onBrush, onChoose }
  const [ready, setReady] = useState(false)

  useEffect(() => {
    let gone = false
    void inTurn(async () => {
      const { draw } = await import('./echarts')
      if (gone || !place.current) return
      drawn.current = draw(place.current, scheme, {
        onBrush: (from, to) => told.current.onBrush?.(from, to),
        onChoose: (point) => told.current.onChoose?.(point),
      })
      setReady(true)
    })
    return () => {
      gone = true
      drawn.current?.end()
      drawn.current = null
      setReady(false)
    }
  }, [scheme])

  useEffect(() => {
    if (!ready) return
    let gone = false
    void inTurn(() => {
      if (!gone) drawn.current?.show(option, Boolean(told.current.onBrush))
    })
    return () => {
      gone = true
    }
  }, [ready, option])

  return (
    <Box pos="relative" h={height}>
      {!ready && <Skeleton h={height} pos="absolute" inset={0} />}
      <div ref={place} role="img" aria-label={label} style={{ height }} />
    </Box>
  )
}
