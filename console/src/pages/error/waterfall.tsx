/** Where the time of one request went: bars of one scale, each said in words, too. */
import { Anchor, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Cause } from '../../parts/badges'
import { within } from '../../parts/filters/use'
import { duration } from '../../parts/number'
import { useGateway } from '../../words/gateway'
import classes from './error.module.css'
import { type Bar, placed, type Times, waterfall } from './bars'

export function Waterfall({ times }: { times: Times }) {
  const { t } = useTranslation('errors')
  const { bars, total, elsewhere } = waterfall(times)
  return (
    <>
      <ol className={classes.bars}>
        {bars.map((bar) => (
          <One key={bar.key} bar={bar} total={total} />
        ))}
      </ol>
      <Text size="xs" mt="xs">
        {t('waterfall.total', { total: duration(times.latency_ms) })} {elsewhere > 0 && t('waterfall.elsewhere', { elsewhere: duration(elsewhere) })}
      </Text>
    </>
  )
}

function One({ bar, total }: { bar: Bar; total: number }) {
  const { t } = useTranslation(['errors', 'common'])
  const { sentence } = useGateway()
  const { left, width } = placed(bar, total)
  const { attempt } = bar
  return (
    <li className={classes.bar}>
      <span>
        {attempt ? (
          <Anchor component={Link} to="/upstream-errors/$id" params={{ id: String(attempt.id) } as never} search={within()} size="xs">
            {attempt.attempt}. {attempt.account_name}
          </Anchor>
        ) : (
          t(`waterfall.${bar.stage}`)
        )}
      </span>
      <span className={classes.track} aria-hidden>
        <span className={classes.length} data-stage={bar.stage} style={{ left: `${left}%`, width: `${width}%` }} />
      </span>
      <span className={classes.time}>{duration(bar.length)}</span>
      {attempt && (
        <span className={`${classes.said} said`}>
          {attempt.upstream_status_code ?? t('waterfall.noAnswer')} · <Cause cause={attempt.cause} />
          {attempt.connect_ms != null && ` · ${t('waterfall.connect', { time: duration(attempt.connect_ms) })}`}
          {attempt.first_byte_ms != null && ` · ${t('waterfall.firstByte', { time: duration(attempt.first_byte_ms) })}`}
          {attempt.retry_after_ms != null && ` · ${t('waterfall.stated', { time: duration(attempt.retry_after_ms) })}`}
          {' → '}
          <strong>{t(`decision.${attempt.decision}`)}</strong>
          {attempt.decision_reason && t('common:join.colon') + sentence(attempt.decision_reason)}
        </span>
      )}
    </li>
  )
}
