/** What keeps an account, or models on it, from serving: since when, until when, read where, because of what. */
import { Alert, Anchor, Group, Stack, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { StateBadge } from '../../parts/account-state'
import { Cause } from '../../parts/badges'
import { Id } from '../../parts/copy'
import { Countdown } from '../../parts/countdown'
import { When } from '../../parts/when'
import { useGateway } from '../../words/gateway'
import { type Account, type Mark, useStandings } from '../accounts/data'

export function Standing({ account }: { account: Account }) {
  const { t } = useTranslation('accounts')
  const standing = useStandings().get(account.id)
  const { marks } = account.state
  const failure = account.credential.last_failure
  // What is switched off does not come back by itself.
  const ramp = account.status === 'disabled' ? undefined : standing?.ramp
  return (
    <Stack gap="xs" mih={60}>
      {marks.length === 0 && <Text size="sm">{account.status === 'disabled' ? t('standing.disabled') : t('standing.well')}</Text>}
      {ramp !== null && ramp !== undefined && <Text size="sm">{t('standing.ramp', { count: ramp })}</Text>}
      {standing?.way_failing && (
        <Alert color="orange" icon={<IconAlertTriangle aria-hidden />}>
          {t('mark.wayFailing')}
        </Alert>
      )}
      {marks.map((mark) => (
        <One key={`${mark.kind} ${mark.scope}`} mark={mark} />
      ))}
      {failure && (
        <Alert color="red" title={t('credential.failed')}>
          <Text size="sm" className="said">
            {failure.message}
          </Text>
          <Text size="sm">
            <Cause cause={failure.cause} /> {failure.status} · {t('credential.inARow', { count: failure.in_a_row })} · {t('credential.retry')} <When at={failure.retry_at} as="both" />
          </Text>
        </Alert>
      )}
    </Stack>
  )
}

function One({ mark }: { mark: Mark }) {
  const { t } = useTranslation('accounts')
  const gateway = useGateway()
  return (
    <Alert color="gray" p="xs">
      <Group gap="xs">
        <StateBadge state={mark.half_open ? 'half_open' : mark.kind} />
        {mark.half_open && <span>{t(`state.${mark.kind}`)}</span>}
        <strong className="said">{mark.scope === 'account' ? t('mark.whole') : gateway.scope(mark.scope)}</strong>
        <span>
          {t('mark.since')} <When at={mark.since} />
        </span>
        <strong>{mark.until ? <Countdown until={mark.until} /> : t('mark.noEnd')}</strong>
      </Group>
      {mark.reason && (
        <Text size="sm" className="said" my={4}>
          {mark.reason}
        </Text>
      )}
      <Group gap="sm">
        {mark.cause && <Cause cause={mark.cause} />}
        {mark.until && mark.source && (
          <Text size="xs">
            {t('mark.source')} <span className="mono">{mark.source}</span>
          </Text>
        )}
        {mark.strikes > 1 && <Text size="xs">{t('mark.strikes', { count: mark.strikes })}</Text>}
        <Text size="xs" component="div">
          {t('mark.event')} <Id value={mark.event_id} />
        </Text>
        {mark.request_id && (
          <Anchor size="xs" component={Link} to="/errors/$id" params={{ id: mark.request_id } as never}>
            {t('mark.request')}
          </Anchor>
        )}
      </Group>
    </Alert>
  )
}
