/** Requests and tokens per second over time. */
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Search } from '../../../app/search'
import { HUES } from '../../../app/theme'
import { Chart } from '../../../parts/chart'
import { type Figure, pointsOf, spanOf } from '../../../parts/figure/figure'
import { numberFormat } from '../../../parts/format'
import { Failed, Loading } from '../../../parts/states'
import { useBrush } from '../../../parts/window'
import { useThroughput, windowFor } from '../asks'
import type { Every } from '../live'
import { whole } from './axes'

export function Throughput({ window, every }: { window: Search; every: Every }) {
  const { t, i18n } = useTranslation('overview')
  const brush = useBrush()
  const { data, error, refetch } = useThroughput(windowFor(window), every)
  const figure = useMemo((): Figure | undefined => {
    if (!data) return undefined
    const points = whole(data.points, data.step_ms)
    return {
      kind: 'timeline',
      ...spanOf(data),
      stepMs: data.step_ms,
      series: [
        { name: t('throughput.requests'), kind: 'line', color: HUES.blue, points: pointsOf(points, ({ qps }) => qps) },
        { name: t('throughput.tokens'), kind: 'line', color: HUES.vermilion, isDashed: true, isRight: true, points: pointsOf(points, ({ tps }) => tps) },
      ],
    }
  }, [data, t])
  if (error && !data) return <Failed thrown={error} retry={() => void refetch()} />
  if (!data) return <Loading rows={8} />
  const { points, step_ms } = data
  const number = (value: number) => numberFormat(i18n.language, { maximumSignificantDigits: 3 }).format(value)
  const seconds = Math.max(1, (points.length * step_ms) / 1_000)
  const mean = (of: (point: (typeof points)[number]) => number) => number(points.reduce((sum, point) => sum + of(point), 0) / seconds)
  const most = (of: (point: (typeof points)[number]) => number) => number(Math.max(0, ...points.map(of)))
  const label = t('throughput.label', {
    qps: mean(({ requests }) => requests),
    qpsPeak: most(({ qps }) => qps),
    tps: mean(({ input_tokens, output_tokens }) => input_tokens + output_tokens),
    tpsPeak: most(({ tps }) => tps),
  })
  return <Chart figure={figure} label={label} height={260} onBrush={brush} />
}
