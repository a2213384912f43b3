/** Who, where, when and how: everything by which this failure can be found elsewhere. */
import { Anchor, Group, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../api/client'
import { Copy, Id } from '../../parts/copy'
import { Facts } from '../../parts/facts'
import { within } from '../../parts/filters/use'
import { duration } from '../../parts/number'
import { When } from '../../parts/when'
import { useGateway } from '../../words/gateway'

export function ErrorFacts({ error }: { error: Of<'ErrorLogDetail'> }) {
  const { t } = useTranslation(['errors', 'common'])
  const { phase } = useGateway()
  const status = error.upstream_status_code != null && error.upstream_status_code !== error.status_code ? t('one.statuses', { client: String(error.status_code), provider: String(error.upstream_status_code) }) : String(error.status_code)
  return (
    <Facts
      facts={[
        [t('column.created_at'), <When at={error.created_at} as="both" />],
        [t('column.status_code'), status],
        [t('column.model'), error.model && <Id value={error.model} />],
        [t('column.platform'), error.platform],
        [t('column.account_name'), error.account_id != null && <Who to="/accounts/$id" id={error.account_id} name={error.account_name} />],
        [t('column.group_name'), <Filtered name="group_id" id={error.group_id} said={error.group_name} />],
        [t('column.api_key_name'), <Filtered name="api_key_id" id={error.api_key_id} said={error.api_key_name} />],
        [t('column.user_name'), <Filtered name="user_id" id={error.user_id} said={error.user_name} />],
        [t('column.phase'), phase(error.phase)],
        [t('column.type'), <span className="mono">{error.type}</span>],
        [t('column.error_source'), t(`source.${error.error_source}`)],
        [t('one.retryable'), t(error.is_retryable ? 'common:yes' : 'common:no')],
        [t('one.counts'), t(error.error_owner === 'client' || error.is_business_limited ? 'one.excluded' : 'one.counted')],
        [t('column.stream'), t(error.stream ? 'common:yes' : 'common:no')],
        [t('column.latency_ms'), duration(error.latency_ms)],
        [t('one.firstToken'), error.time_to_first_token_ms == null ? null : duration(error.time_to_first_token_ms)],
        [t('one.queued'), error.queued && t('one.waited', { time: duration(error.queued.waited_ms), ahead: String(error.queued.ahead) })],
        [t('column.request_id'), <Id value={error.request_id} />],
        [t('column.client_request_id'), error.client_request_id && <Id value={error.client_request_id} />],
        [t('one.upstreamRequest'), <UpstreamIds error={error} />],
        [t('one.id'), <Id value={error.id} />],
        [t('column.fingerprint'), <Id value={error.fingerprint} />],
        [t('column.client_ip'), <Id value={error.client_ip} />],
        [t('column.request_path'), <Id value={error.request_path} />],
        ['User-Agent', error.user_agent && <Id value={error.user_agent} />],
        [t('one.ruled'), error.ruled_by && t('one.ruledBy', { rule: error.ruled_by.rule_name ?? String(error.ruled_by.rule_id), cause: error.ruled_by.built_in.cause })],
      ]}
    />
  )
}

function Who({ to, id, name }: { to: '/accounts/$id'; id: number; name: string | null | undefined }) {
  return (
    <Group gap={2} wrap="nowrap">
      <Anchor component={Link} to={to} params={{ id: String(id) } as never} search={within()} size="sm" className="said">
        {name ?? `#${id}`}
      </Anchor>
      <Copy text={String(id)} />
    </Group>
  )
}

/** A link to the failures of the same group, key or user. */
function Filtered({ name, id, said }: { name: 'group_id' | 'api_key_id' | 'user_id'; id: number | null | undefined; said: string | null | undefined }) {
  const { t } = useTranslation(['errors', 'common'])
  if (id === null || id === undefined) return <Text span>–</Text>
  return (
    <Group gap={2} wrap="nowrap">
      <Anchor component={Link} to="/errors" search={within({ [name]: String(id) })} size="sm" className="said" title={t('one.failuresOf')}>
        {said ?? `#${id}`}
      </Anchor>
      <Copy text={String(id)} />
    </Group>
  )
}

function UpstreamIds({ error }: { error: Of<'ErrorLogDetail'> }) {
  const ids = [...new Set(error.attempts.flatMap(({ upstream_request_id }) => upstream_request_id ?? []))]
  if (ids.length === 0) return <span>–</span>
  return ids.map((id) => (
    <div key={id}>
      <Id value={id} />
    </div>
  ))
}
