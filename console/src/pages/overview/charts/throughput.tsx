/** Requests and tokens per second over time. */
import type { EChartsOption } from 'echarts'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Search } from '../../../app/search'
import { Chart } from '../../../parts/chart'
import { Failed, Loading } from '../../../parts/states'
import { useThroughput, windowFor } from '../asks'
import type { Every } from '../live'
import { timeAxis, useBrush, whole } from './axes'

export function Throughput({ window, every }: { window: Search; every: Every }) {
  const { t, i18n } = useTranslation('overview')
  const brush = useBrush()
  const { data, error, refetch } = useThroughput(windowFor(window), every)
  const option = useMemo<EChartsOption | null>(() => {
    if (!data) return null
    const points = whole(data.points, data.step_ms)
    const line = (name: string, at: number, of: (point: (typeof points)[number]) => number) => ({
      type: 'line' as const,
      name,
      yAxisIndex: at,
      showSymbol: points.length < 2,
      lineStyle: { width: 2, type: at === 0 ? ('solid' as const) : ('dashed' as const) },
      data: points.map((point) => [Date.parse(point.start_time), of(point)]),
    })
    return {
      legend: {},
      tooltip: { trigger: 'axis' },
      xAxis: timeAxis(window, data.points, data.step_ms),
      yAxis: [
        { type: 'value', min: 0, name: '' },
        { type: 'value', min: 0, name: '', splitLine: { show: false } },
      ],
      series: [line(t('throughput.requests'), 0, ({ qps }) => qps), line(t('throughput.tokens'), 1, ({ tps }) => tps)],
    }
  }, [data, window, t])
  if (error && !data) return <Failed thrown={error} retry={() => void refetch()} />
  if (!data || !option) return <Loading rows={8} />
  const { points, step_ms } = data
  const number = (value: number) => new Intl.NumberFormat(i18n.language, { maximumSignificantDigits: 3 }).format(value)
  const seconds = Math.max(1, (points.length * step_ms) / 1_000)
  const mean = (of: (point: (typeof points)[number]) => number) => number(points.reduce((sum, point) => sum + of(point), 0) / seconds)
  const most = (of: (point: (typeof points)[number]) => number) => number(Math.max(0, ...points.map(of)))
  const label = t('throughput.label', {
    qps: mean(({ requests }) => requests),
    qpsPeak: most(({ qps }) => qps),
    tps: mean(({ input_tokens, output_tokens }) => input_tokens + output_tokens),
    tpsPeak: most(({ tps }) => tps),
  })
  return <Chart option={option} label={label} height={260} onBrush={brush} />
}
