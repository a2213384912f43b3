/** What is left of what objectives allow to go wrong. */
import { Skeleton, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useMay } from '../../app/session'
import type { Of } from '../../api/client'
import { useJoined } from '../../parts/joined'
import { percent } from '../../parts/number'
import { useBudgets } from './asks'
import { clockOf } from './clock'
import { Figure } from './figure'
import { Go } from './go'
import type { Every } from './live'
import classes from './overview.module.css'

const MOST = 3

export function Budgets({ every }: { every: Every }) {
  const { t } = useTranslation('overview')
  const mayWrite = useMay('admin')
  const { list, shown, levels } = useBudgets(every, MOST)
  const total = list.data?.total ?? 0
  return (
    <Figure label={t('budget.title')} isWide>
      {list.isPending && <Skeleton height={60} />}
      {list.data && total === 0 && (
        <>
          <Text size="sm">{t('budget.none')}</Text>
          {mayWrite && (
            <Go target={{ to: '/objectives' }} size="sm">
              {t('budget.write')}
            </Go>
          )}
        </>
      )}
      {shown.map(({ id, name }, at) => (
        <Line key={id} name={name} now={levels[at]} />
      ))}
      {total > MOST && (
        <Go target={{ to: '/objectives' }} size="xs">
          {t('budget.more', { count: total })}
        </Go>
      )}
    </Figure>
  )
}

function Line({ name, now }: { name: string; now?: Of<'ObjectiveNow'> }) {
  const { t, i18n } = useTranslation('overview')
  const { named } = useJoined()
  if (!now) return <Skeleton height={30} my={2} />
  const { level, objective } = now
  const achieved = level.budget?.achieved_percent ?? null
  // There is none where nothing could be counted.
  const left = level.budget?.left_percent ?? null
  const reached = t('budget.reached', { achieved: percent(achieved, i18n.language), target: percent(objective.target_percent, i18n.language), days: String(objective.window_days) })
  const gone = level.gone_at && left !== null && left > 0 ? ` · ${t('budget.gone', { at: clockOf(i18n.language, Date.now())(Date.parse(level.gone_at)) })}` : ''
  return (
    <div title={named(name, reached + gone)}>
      <Text size="xs" className={classes.cut}>
        <Go target={{ to: '/objectives' }} inherit className={classes.inText}>
          <strong>{achieved === null || left === null ? t('budget.noData') : left < 0 ? t('budget.overdrawn') : percent(left, i18n.language)}</strong>
        </Go>{' '}
        <bdi>{name}</bdi>
      </Text>
      <Text size="xs" className={classes.cut}>
        {reached}
        {gone}
      </Text>
    </div>
  )
}
