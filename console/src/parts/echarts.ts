/** The one place that knows ECharts: only what is used of it, drawn on a canvas, without a style of its own. */
import { BarChart, HeatmapChart, LineChart } from 'echarts/charts'
import { BrushComponent, DataZoomComponent, GridComponent, LegendComponent, MarkLineComponent, ToolboxComponent, TooltipComponent, VisualMapComponent } from 'echarts/components'
import { type EChartsType, init, use as take } from 'echarts/core'
import type { EChartsOption } from 'echarts'
import { CanvasRenderer } from 'echarts/renderers'
import { SERIES } from '../app/theme'
import { holding } from './holding'

// A brush brings a toolbox, which is not shown.
take([BarChart, HeatmapChart, LineChart, BrushComponent, DataZoomComponent, GridComponent, LegendComponent, MarkLineComponent, ToolboxComponent, TooltipComponent, VisualMapComponent, CanvasRenderer])

export interface Chart {
  show(option: EChartsOption, brushes: boolean): void
  end(): void
}

interface Told {
  onBrush: (from: number, to: number) => void
  onChoose: (point: { name: string; seriesName: string; value: unknown }) => void
}

const INK = {
  light: { text: '#495057', line: '#dee2e6', ground: '#ffffff' },
  dark: { text: '#c1c2c5', line: '#424242', ground: '#2e2e2e' },
} as const

export function draw(place: HTMLDivElement, scheme: 'light' | 'dark', told: Told): Chart {
  const chart = init(place, null, { renderer: 'canvas' })
  const resized = new ResizeObserver(() => chart.resize({ animation: { duration: 0 } }))
  resized.observe(place)
  listen(chart, told)
  // A new picture would take away the brush that is being drawn on the old one.
  const pictures = holding(place, (option: EChartsOption, brushes: boolean) => {
    chart.setOption(dressed(option, scheme, brushes), { notMerge: true })
    if (brushes) chart.dispatchAction({ type: 'takeGlobalCursor', key: 'brush', brushOption: { brushType: 'lineX', brushMode: 'single' } })
  })
  return {
    show: pictures.show,
    end() {
      pictures.end()
      resized.disconnect()
      chart.dispose()
    },
  }
}

function listen(chart: EChartsType, told: Told): void {
  chart.on('brushEnd', (event) => {
    const range = (event as { areas?: { coordRange?: [number, number] }[] }).areas?.[0]?.coordRange
    if (range) told.onBrush(Math.round(range[0]), Math.round(range[1]))
  })
  chart.on('click', ({ name, seriesName, value }) => told.onChoose({ name, seriesName: seriesName ?? '', value }))
}

/** As much of an axis as is dressed here. */
interface Axis {
  axisLabel?: object
  splitLine?: object
}

/** What all charts look like. A tooltip is drawn, not written as HTML: what a provider said stays text, and needs no style. */
function dressed(option: EChartsOption, scheme: 'light' | 'dark', brushes: boolean): EChartsOption {
  const ink = INK[scheme]
  const axis = (given: unknown) => {
    const dress = (one: Axis) => ({
      axisLine: { lineStyle: { color: ink.line } },
      ...one,
      axisLabel: { color: ink.text, hideOverlap: true, ...one.axisLabel },
      splitLine: { lineStyle: { color: ink.line }, ...one.splitLine },
    })
    return Array.isArray(given) ? given.map(dress) : given ? dress(given as Axis) : undefined
  }
  const { tooltip, legend, xAxis, yAxis, ...rest } = option
  return {
    animation: false,
    color: [...SERIES],
    grid: { left: 8, right: 12, top: 28, bottom: 4, containLabel: true },
    textStyle: { color: ink.text, fontFamily: 'system-ui, sans-serif' },
    ...rest,
    xAxis: axis(xAxis) as never,
    yAxis: axis(yAxis) as never,
    legend: legend === undefined ? undefined : { type: 'plain', top: 0, left: 0, itemHeight: 8, textStyle: { color: ink.text, fontSize: 11 }, ...(legend as object) },
    tooltip: { renderMode: 'richText', confine: true, backgroundColor: ink.ground, borderColor: ink.line, textStyle: { color: ink.text, fontSize: 12 }, ...(tooltip as object) },
    ...(brushes ? { brush: { xAxisIndex: 0, brushType: 'lineX', toolbox: [], throttleType: 'debounce' }, toolbox: { show: false } } : {}),
  } as EChartsOption
}
