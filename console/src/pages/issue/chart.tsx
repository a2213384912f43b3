/** How often it failed in each hour of the last seven days: drawn, and said in a sentence. */
import { Text } from '@mantine/core'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../api/client'
import { Chart } from '../../parts/chart'
import { count } from '../../parts/number'
import { useNow } from '../../parts/now'
import { Panel } from '../../parts/panel'
import { local } from '../../parts/when'
import { filled, HOUR_MS, summed } from './hours'

export function Hours({ hours }: { hours: readonly Of<'HourCount'>[] }) {
  const { t, i18n } = useTranslation('issues')
  const hour = Math.floor(useNow() / HOUR_MS)
  const all = useMemo(() => filled(hours, hour * HOUR_MS), [hours, hour])
  const option = useMemo(
    () => ({
      tooltip: { trigger: 'axis' as const },
      legend: {},
      xAxis: { type: 'time' as const },
      yAxis: { type: 'value' as const, minInterval: 1 },
      series: [
        { name: t('seen'), type: 'bar' as const, stack: 'all', barWidth: '70%', data: all.map(({ at, seen }) => [at, seen]) },
        { name: t('hiddenOnes'), type: 'bar' as const, stack: 'all', barWidth: '70%', data: all.map(({ at, hidden }) => [at, hidden]) },
      ],
    }),
    [all, t],
  )
  const { seen, hidden, most } = summed(all)
  const number = (value: number) => count(value, i18n.language)
  const said = most ? t('hoursSaid', { seen: number(seen), hidden: number(hidden), when: local(most.at, i18n.language), most: number(most.seen + most.hidden) }) : t('hoursNone')
  return (
    <Panel title={t('hours')}>
      <Chart option={option} label={said} height={180} />
      <Text size="xs" mt={4}>
        {said}
      </Text>
    </Panel>
  )
}
