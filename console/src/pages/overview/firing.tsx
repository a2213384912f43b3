/** Alerts that are firing, the most urgent first, in the gateway's own words. */
import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Search } from '../../app/search'
import { SeverityBadge } from '../../parts/badges'
import { Loaded } from '../../parts/states'
import { When } from '../../parts/when'
import { useSilencedUntil } from '../alerts/silenced-mark'
import { useFiring } from './asks'
import { Go } from './go'
import type { Every } from './live'
import classes from './overview.module.css'
import type { Alert } from './state'
import type { Target } from './target'

const MOST = 6

export function Firing({ window, every }: { window: Search; every: Every }) {
  const { t } = useTranslation('overview')
  const found = useFiring(every)
  return (
    <Loaded query={found} rows={2}>
      {({ items, total }) => (
        <>
          {items.length === 0 && <Text size="sm">{t('alerts.none')}</Text>}
          <ul className={classes.rows}>
            {[...items]
              .sort((one, other) => one.severity.localeCompare(other.severity) || other.id - one.id)
              .slice(0, MOST)
              .map((alert) => (
                <Line key={alert.id} alert={alert} window={window} />
              ))}
          </ul>
          <Go target={{ to: '/alerts', search: window }} size="sm">
            {total > MOST ? t('alerts.more', { count: total - MOST }) : t('alerts.all')}
          </Go>
        </>
      )}
    </Loaded>
  )
}

function Line({ alert, window }: { alert: Alert; window: Search }) {
  const { t } = useTranslation('overview')
  const { severity, evidence, fired_at, acknowledged_by, told } = alert
  const until = useSilencedUntil(alert)
  return (
    <li className={classes.alert}>
      <SeverityBadge severity={severity} />
      <div className={classes.issueTitle}>
        <Text size="sm" className={classes.cut} title={evidence.sentence}>
          <Go target={behind(alert, window)} inherit>
            {evidence.sentence}
          </Go>
        </Text>
        <Text size="xs" className={classes.cut}>
          <When at={fired_at} as="both" />
          {acknowledged_by && ` · ${t('alerts.acknowledged', { who: acknowledged_by })}`}
          {!told && ` · ${t('alerts.silenced')}`}
          {until && ` · ${t('alerts.silencedUntil', { until })}`}
          {evidence.note && (
            <>
              {' '}
              · <bdi>{evidence.note}</bdi>
            </>
          )}
        </Text>
      </div>
    </li>
  )
}

/** What an alert is about, where that has a page of its own. */
function behind({ subject, rule_id }: Alert, window: Search): Target {
  const [kind, id] = subject.split(/:(.*)/s)
  if (kind === 'issue' && id) return { to: '/issues/$fingerprint', params: { fingerprint: id }, search: window }
  if (kind === 'account' && id) return { to: '/accounts/$id', params: { id }, search: window }
  if (kind === 'objective') return { to: '/objectives', search: window }
  return { to: '/alerts', search: { ...window, rule_id: String(rule_id) } }
}
