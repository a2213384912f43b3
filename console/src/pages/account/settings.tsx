/** What an account is, as it is configured. Of what is secret it says that it is there. */
import { Table, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useJoined } from '../../parts/joined'
import { span } from '../../parts/number'
import { When } from '../../parts/when'
import type { Account } from '../accounts/data'

export function Settings({ account }: { account: Account }) {
  const { t } = useTranslation(['accounts', 'common'])
  const { credential, quota, probe } = account
  const { list: row, named, clauses } = useJoined()
  const none = t('common:none')
  const list = (items: (string | number)[]) => row(items) || none
  const quotas = (['requests_per_minute', 'tokens_per_minute', 'requests_per_day', 'tokens_per_day'] as const).filter((name) => quota[name]).map((name) => named(t(`quota.${name}`), quota[name]))
  const rows: [string, ReactNode][] = [
    [t('column.groups'), list(account.groups)],
    [t('field.models'), row(account.models) || t('field.modelsAll')],
    [t('part.mapping'), list(account.model_mapping.map(({ from, to }) => `${from} → ${to}`))],
    [t('field.concurrency'), account.concurrency ?? t('field.unlimited')],
    [t('field.priority'), account.priority],
    [t('part.quota'), list(quotas)],
    [t('credential.title'), <Credential key="credential" credential={credential} />],
    [t('field.fallback_urls'), list(account.fallback_urls)],
    [t('field.proxy'), account.proxy ?? none],
    [t('part.headers'), account.headers.length > 0 ? t('secret.headers', { names: row(account.headers) }) : none],
    [t('field.http_version'), account.http_version],
    ...(account.platform === 'openai' ? [[t('field.apis'), list(account.apis)] as [string, ReactNode]] : []),
    ...(account.platform === 'antigravity' ? [[t('field.project'), account.project ?? none] as [string, ReactNode]] : []),
    [t('probe.title'), probe ? clauses(probe.model ?? t('probe.list'), probe.every_seconds ? span(probe.every_seconds) : t('probe.deadline')) : t('probe.request')],
    [t('field.counted_statuses'), account.counted_statuses ? list(account.counted_statuses) : t('field.builtIn')],
    [t('rule.titles'), list(account.state_rules.map(({ name, state, for_seconds }) => named(name, state ? `${t(`state.${state}`)} ${span(for_seconds ?? 0)}` : t('rule.nothing'))))],
    [t('field.created'), <When key="created" at={account.created_at} as="both" />],
    [t('field.updated'), <When key="updated" at={account.updated_at} as="both" />],
  ]
  return (
    <Table layout="fixed" withRowBorders={false} verticalSpacing={3}>
      <Table.Tbody>
        {rows.map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th w={{ base: 130, sm: 220 }} scope="row" fw={500}>
              {name}
            </Table.Th>
            <Table.Td className="said">{value}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

function Credential({ credential: { kind, client, token_url, obtained_at, expires_at } }: { credential: Account['credential'] }) {
  const { t } = useTranslation(['accounts', 'common'])
  return (
    <>
      <Text size="sm">{kind ? t('credential.isSet', { kind: t(`credential.${kind}`) }) : t('credential.unreadable')}</Text>
      {(client ?? token_url) && (
        <Text size="sm" className="said">
          {[client, token_url].filter(Boolean).join(' · ')}
        </Text>
      )}
      {expires_at && (
        <Text size="sm">
          {t('credential.obtained')} <When at={obtained_at} as="both" />
          {t('common:join.clause')}
          {t('credential.expires')} <When at={expires_at} as="both" />
        </Text>
      )}
    </>
  )
}
