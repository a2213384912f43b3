/** The gateways that share the database, and what they agree about through Redis. */
import { Alert, Badge, Stack, Table, Text } from '@mantine/core'
import { IconCircleCheck, IconCircleX, IconLogout } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { $api, type Of } from '../../api/client'
import { Loaded } from '../../parts/states'
import { When } from '../../parts/when'

export function Replicas() {
  const { t } = useTranslation('system')
  const replicas = $api.useQuery('get', '/api/v1/admin/ops/replicas', {}, { refetchInterval: 5_000 })
  return (
    <Loaded query={replicas} rows={3}>
      {({ items, own, cluster }) => (
        <Stack gap="sm">
          {items.length === 0 ? <Text size="sm">{t('replicas.embedded')}</Text> : <Rows rows={items} own={own} />}
          {cluster && <Cluster cluster={cluster} />}
        </Stack>
      )}
    </Loaded>
  )
}

const STATES = { alive: { color: 'teal', Icon: IconCircleCheck }, leaving: { color: 'gray', Icon: IconLogout }, gone: { color: 'red', Icon: IconCircleX } } as const

function Rows({ rows, own }: { rows: Of<'ReplicaRow'>[]; own: string | null | undefined }) {
  const { t } = useTranslation('system')
  const newest = Math.max(...rows.map(({ config_version }) => config_version ?? 0))
  return (
    <Table.ScrollContainer minWidth={760}>
      <Table verticalSpacing={4}>
        <Table.Thead>
          <Table.Tr>
            {(['name', 'state', 'seen', 'started', 'version', 'config', 'inFlight'] as const).map((name) => (
              <Table.Th key={name}>{t(`replicas.column.${name}`)}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => {
            const state = row.leaving ? 'leaving' : row.alive ? 'alive' : 'gone'
            const { color, Icon } = STATES[state]
            return (
              <Table.Tr key={row.id}>
                <Table.Th scope="row" className="said" title={row.id}>
                  {row.name} {row.id === own && t('replicas.own')}
                </Table.Th>
                <Table.Td>
                  <Badge variant="light" color={color} c="var(--mantine-color-text)" tt="none" leftSection={<Icon size={13} aria-hidden />}>
                    {t(`replicas.state.${state}`)}
                  </Badge>
                </Table.Td>
                <Table.Td>
                  <When at={row.seen_at} />
                </Table.Td>
                <Table.Td>
                  <When at={row.started_at} />
                </Table.Td>
                <Table.Td>{row.version}</Table.Td>
                <Table.Td>
                  {row.config_version ?? '–'} {row.alive && (row.config_version ?? 0) < newest && t('replicas.behind')}
                </Table.Td>
                <Table.Td>{row.in_flight ?? '–'}</Table.Td>
              </Table.Tr>
            )
          })}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

function Cluster({ cluster }: { cluster: Of<'ClusterView'> }) {
  const { t } = useTranslation('system')
  return (
    <>
      <Alert color={cluster.redis_up ? 'teal' : 'orange'} icon={cluster.redis_up ? <IconCircleCheck aria-hidden /> : <IconCircleX aria-hidden />} p="xs">
        {cluster.redis_up ? t('replicas.redisUp', { redis: cluster.redis }) : t('replicas.redisDown', { redis: cluster.redis })} <When at={cluster.redis_since} />{' '}
        {cluster.redis_reason && <span className="said">{cluster.redis_reason}</span>}
      </Alert>
      {cluster.drift.length > 0 && (
        <Text size="sm" fw={600}>
          {t('replicas.drift', { count: cluster.drift.length })}
        </Text>
      )}
      {cluster.accounts.length > 0 && (
        <Table.ScrollContainer minWidth={520}>
          <Table verticalSpacing={4}>
            <Table.Thead>
              <Table.Tr>
                {(['account', 'inFlight', 'allotment', 'limit', 'view'] as const).map((name) => (
                  <Table.Th key={name}>{t(`replicas.share.${name}`)}</Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {cluster.accounts.map((share) => (
                <Table.Tr key={share.id}>
                  <Table.Th scope="row" className="said">
                    {share.name}
                  </Table.Th>
                  <Table.Td>{share.in_flight}</Table.Td>
                  <Table.Td>{share.allotment}</Table.Td>
                  <Table.Td>{share.limit}</Table.Td>
                  <Table.Td>{share.own_view ? t('replicas.ownView') : share.contested ? t('replicas.contested') : '–'}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </>
  )
}
