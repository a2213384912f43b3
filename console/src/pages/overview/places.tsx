/** Who holds how many places now, and who waits for one. */
import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../api/client'
import type { Search } from '../../app/search'
import { useJoined } from '../../parts/joined'
import { count, duration } from '../../parts/number'
import { Loaded } from '../../parts/states'
import { useConcurrency } from './asks'
import { Go } from './go'
import type { Every } from './live'
import classes from './overview.module.css'
import type { Target } from './target'

const MOST = 6

export function Places({ window, every }: { window: Search; every: Every }) {
  const { t } = useTranslation('overview')
  const found = useConcurrency(every)
  return (
    <Loaded query={found} rows={5}>
      {(now) => (
        <div className={classes.thirds}>
          <Queue now={now} />
          <div>
            <Table
              title={t('places.groups')}
              rows={now.groups.slice(0, MOST).map((group) => ({ holder: group, key: `g${group.id}`, waiting: group.waiting, target: { to: '/groups', search: window } }))}
            />
          </div>
          <div>
            <Table title={t('places.busiest')} rows={busiest(now, window)} />
          </div>
        </div>
      )}
    </Loaded>
  )
}

interface Row {
  key: string
  holder: Of<'Holder'>
  waiting?: number
  kind?: 'user' | 'key'
  target: Target
}

/** Those who are nearest to their limit, then those who hold most. */
function busiest({ users, api_keys }: Of<'Concurrency'>, window: Search): Row[] {
  const rows: Row[] = [
    ...users.map((holder) => ({ key: `u${holder.id}`, holder, kind: 'user' as const, target: { to: '/errors' as const, search: { ...window, user_id: String(holder.id) } } })),
    ...api_keys.map((holder) => ({ key: `k${holder.id}`, holder, kind: 'key' as const, target: { to: '/errors' as const, search: { ...window, api_key_id: String(holder.id) } } })),
  ]
  const full = ({ holder }: Row) => (holder.limit ? holder.in_flight / holder.limit : 0)
  return rows
    .filter(({ holder }) => holder.in_flight > 0)
    .sort((one, other) => full(other) - full(one) || other.holder.in_flight - one.holder.in_flight)
    .slice(0, MOST)
}

function Queue({ now }: { now: Of<'Concurrency'> }) {
  const { t, i18n } = useTranslation('overview')
  const { aside } = useJoined()
  const { queue, in_flight } = now
  const rows = [
    [t('places.inFlight'), count(in_flight, i18n.language)],
    [t('places.waiting'), count(queue.waiting, i18n.language)],
    [t('places.longest'), queue.waiting > 0 ? duration(queue.longest_wait_ms) : '–'],
    [aside(t('places.refused'), t('places.sinceStart')), count(queue.refused, i18n.language)],
    [aside(t('places.timedOut'), t('places.sinceStart')), count(queue.timed_out, i18n.language)],
  ] as const
  return (
    <table className={classes.numbers}>
      <tbody>
        {rows.map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>
              <strong>{value}</strong>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Table({ title, rows }: { title: string; rows: Row[] }) {
  const { t } = useTranslation('overview')
  return (
    <table className={classes.numbers}>
      <thead>
        <tr>
          <th scope="col">{title}</th>
          <th scope="col">{t('places.used')}</th>
        </tr>
      </thead>
      <tbody>
        {rows.length === 0 && (
          <tr>
            <td colSpan={2}>
              <Text size="xs">{t('places.idle')}</Text>
            </td>
          </tr>
        )}
        {rows.map(({ key, holder, waiting, kind, target }) => (
          <tr key={key}>
            <th scope="row">
              <Go target={target} size="xs" className={`${classes.cut} ${classes.name}`}>
                {kind && `${t(`places.${kind}`)} `}
                <bdi>{holder.name}</bdi>
              </Go>
            </th>
            <td>
              <Used holder={holder} />
              {waiting ? ` · ${t('places.waits', { count: waiting })}` : ''}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Used({ holder: { in_flight, limit } }: { holder: Of<'Holder'> }) {
  const { t } = useTranslation('overview')
  if (limit === null || limit === undefined) return <>{t('places.unlimited', { used: String(in_flight) })}</>
  const share = limit > 0 ? Math.min(1, in_flight / limit) : 1
  return (
    <>
      {t('places.of', { used: String(in_flight), limit: String(limit) })}
      <div className={classes.bar} role="presentation">
        <div className={classes.fill} data-full={share >= 0.9} style={{ width: `${share * 100}%` }} />
      </div>
    </>
  )
}
