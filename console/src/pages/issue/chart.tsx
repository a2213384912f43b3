/** How often it failed in each hour of the last seven days: drawn, and said in a sentence. */
import { Text } from '@mantine/core'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../api/client'
import { HUES } from '../../app/theme'
import { Chart } from '../../parts/chart'
import type { Figure } from '../../parts/figure/figure'
import { count } from '../../parts/number'
import { useNow } from '../../parts/now'
import { Panel } from '../../parts/panel'
import { local } from '../../parts/when'
import { filled, type Hour, HOUR_MS, summed } from './hours'

export function Hours({ hours }: { hours: readonly Of<'HourCount'>[] }) {
  const { t, i18n } = useTranslation('issues')
  const hour = Math.floor(useNow() / HOUR_MS)
  const all = useMemo(() => filled(hours, hour * HOUR_MS), [hours, hour])
  const figure = useMemo((): Figure => {
    const bars = (name: string, color: string, value: (hour: Hour) => number) => ({ name, color, kind: 'bar' as const, points: all.map((one) => [one.at, value(one)] as const) })
    return {
      kind: 'timeline',
      from: all[0]?.at ?? 0,
      to: (all.at(-1)?.at ?? 0) + HOUR_MS,
      stepMs: HOUR_MS,
      left: { isWhole: true },
      series: [bars(t('seen'), HUES.blue, ({ seen }) => seen), bars(t('hiddenOnes'), HUES.vermilion, ({ hidden }) => hidden)],
    }
  }, [all, t])
  const { seen, hidden, most } = summed(all)
  const number = (value: number) => count(value, i18n.language)
  const said = most ? t('hoursSaid', { seen: number(seen), hidden: number(hidden), when: local(most.at, i18n.language), most: number(most.seen + most.hidden) }) : t('hoursNone')
  return (
    <Panel title={t('hours')}>
      <Chart figure={figure} label={said} height={180} />
      <Text size="xs" mt={4}>
        {said}
      </Text>
    </Panel>
  )
}
