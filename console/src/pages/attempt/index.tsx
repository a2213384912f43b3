/** One failed attempt: what the provider said, its times, what went over the wire, and the way to send it again. */
import { Anchor, Group, Paper, Stack, Text } from '@mantine/core'
import { IconArrowLeft } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { api, type Of } from '../../api/client'
import type { Search } from '../../app/search'
import { Cause } from '../../parts/badges'
import { Copy, Id } from '../../parts/copy'
import { Facts } from '../../parts/facts'
import { within } from '../../parts/filters/use'
import { Head } from '../../parts/head'
import { useJoined } from '../../parts/joined'
import { Marked } from '../../parts/json/marked'
import { useKeys } from '../../parts/keys'
import { duration } from '../../parts/number'
import { Panel } from '../../parts/panel'
import { Loaded } from '../../parts/states'
import { When } from '../../parts/when'
import { useGateway } from '../../words/gateway'
import { Fate } from '../attempts/columns'
import classes from '../error/error.module.css'
import { OfAttempt } from '../error/payloads'
import { SPEAKERS } from '../error/said'
import { SendAgain } from '../error/send-again'
import { speakerOf } from '../error/speaker'
import { useError } from '../error/use-error'
import { Waterfall } from '../error/waterfall'

type Attempt = Of<'UpstreamErrorEvent'>

export function Page() {
  const { id = '' } = useParams({ strict: false })
  const { t } = useTranslation('attempts')
  const found = useQuery({
    queryKey: ['attempt', id],
    queryFn: async ({ signal }): Promise<Attempt> => {
      const { data } = await api.GET('/api/v1/admin/ops/upstream-errors/{id}', { params: { path: { id: Number(id) } }, signal })
      if (!data) throw new Error('no answer')
      return data
    },
    staleTime: 60_000,
    refetchOnWindowFocus: false,
  })
  return (
    <>
      {!found.data && <Head title={t('title', { id })} />}
      <Loaded query={found} rows={16}>
        {(attempt) => <One attempt={attempt} />}
      </Loaded>
    </>
  )
}

function One({ attempt }: { attempt: Attempt }) {
  const { t } = useTranslation(['attempts', 'errors', 'common'])
  const navigate = useNavigate()
  useKeys({ u: () => void navigate({ to: '/upstream-errors', search: (old: Search) => old }) })
  return (
    <>
      <Head title={t('title', { id: String(attempt.id) })}>
        <Anchor component={Link} to="/upstream-errors" search={((old: Search) => old) as never} size="xs">
          <Group gap={2} wrap="nowrap">
            <IconArrowLeft size={13} aria-hidden /> {t('common:menu.attempts')}
          </Group>
        </Anchor>
        {attempt.error_id != null && (
          <Anchor component={Link} to="/errors/$id" params={{ id: String(attempt.error_id) } as never} search={within()} size="xs">
            {t('toError')}
          </Anchor>
        )}
      </Head>
      <div className={classes.page}>
        <div className={classes.column}>
          <Said attempt={attempt} />
          {attempt.error_id != null && <OfError attempt={attempt} id={String(attempt.error_id)} />}
          <Panel title={t('wire')}>
            {(attempt.withheld?.length ?? 0) > 0 && (
              <Text size="sm" mb="xs">
                {t('errors:body.role')}
              </Text>
            )}
            <OfAttempt attempt={attempt} />
          </Panel>
        </div>
        <div className={classes.column}>
          <Panel title={t('errors:one.facts')}>
            <AttemptFacts attempt={attempt} />
          </Panel>
        </div>
      </div>
    </>
  )
}

function Said({ attempt }: { attempt: Attempt }) {
  const { t } = useTranslation(['attempts', 'errors', 'common'])
  const { sentence } = useGateway()
  const speaker = t(`errors:${SPEAKERS[speakerOf(attempt.cause, attempt.upstream_status_code)]}`, { account: attempt.account_name })
  return (
    <Paper withBorder p="md" component="section" aria-label={speaker}>
      <Stack gap="sm">
        <Group gap="xs" justify="space-between">
          <Text size="sm">{speaker}</Text>
          <Copy text={attempt.message} of={t('column.message')} />
        </Group>
        <blockquote className={`${classes.quote} said`} tabIndex={0}>
          <Marked text={attempt.message} />
        </blockquote>
        {attempt.detail && (
          <Text size="sm" className="said">
            <Marked text={attempt.detail} />
          </Text>
        )}
        <Group gap="sm">
          <Fate recovered={attempt.recovered} word={t(attempt.recovered ? 'hidden' : 'seen')} />
          <Text size="sm" fw={600}>
            <Cause cause={attempt.cause} />
          </Text>
          <Text size="sm">
            → {t(`errors:decision.${attempt.decision}`)}
            {attempt.decision_reason && t('common:join.colon') + sentence(attempt.decision_reason)}
          </Text>
        </Group>
        <Text size="sm">{t(attempt.recovered ? 'hiddenMeans' : 'seenMeans')}</Text>
      </Stack>
    </Paper>
  )
}

/** Its place in the request, and sending that again: both need the request's own record. */
function OfError({ attempt, id }: { attempt: Attempt; id: string }) {
  const { t } = useTranslation(['attempts', 'errors', 'common'])
  return (
    <Loaded query={useError(id)} rows={4}>
      {(error) => (
        <>
          <Panel title={t('errors:waterfall.title')}>
            <Waterfall times={error} />
          </Panel>
          <Panel title={t('errors:again.title')}>
            <SendAgain key={attempt.id} error={error} attempt={attempt} />
          </Panel>
        </>
      )}
    </Loaded>
  )
}

function AttemptFacts({ attempt }: { attempt: Attempt }) {
  const { t } = useTranslation(['attempts', 'errors', 'common'])
  const { aside } = useJoined()
  return (
    <Facts
      facts={[
        [t('column.created_at'), <When at={attempt.created_at} as="both" />],
        [t('column.attempt'), attempt.attempt],
        [t('column.account_name'), <AccountLink attempt={attempt} />],
        [t('column.platform'), attempt.platform],
        [t('column.upstream_host'), <Id value={attempt.upstream_host} />],
        [t('column.model'), attempt.model && <Id value={attempt.model} />],
        [t('column.upstream_status_code'), attempt.upstream_status_code ?? t('noAnswer')],
        [t('column.kind'), <span className="mono">{attempt.kind}</span>],
        [t('column.name'), attempt.name && <Id value={attempt.name} />],
        [t('column.connect_ms'), attempt.connect_ms == null ? t('reused') : duration(attempt.connect_ms)],
        [t('column.first_byte_ms'), attempt.first_byte_ms == null ? null : duration(attempt.first_byte_ms)],
        [t('column.duration_ms'), duration(attempt.duration_ms)],
        [t('column.retry_after_ms'), attempt.retry_after_ms == null ? null : aside(duration(attempt.retry_after_ms), attempt.retry_after_source)],
        [t('column.upstream_request_id'), attempt.upstream_request_id && <Id value={attempt.upstream_request_id} />],
        [t('column.request_id'), <Id value={attempt.request_id} />],
        [t('column.id'), <Id value={attempt.id} />],
      ]}
    />
  )
}

function AccountLink({ attempt }: { attempt: Attempt }) {
  return (
    <Group gap={2} wrap="nowrap">
      <Anchor component={Link} to="/accounts/$id" params={{ id: String(attempt.account_id) } as never} search={within()} size="sm" className="said">
        {attempt.account_name}
      </Anchor>
      <Copy text={String(attempt.account_id)} />
    </Group>
  )
}
