/** The newest failed attempts on an account, and why attempts failed in the window. */
import { Anchor, Button, Group, Stack, Text } from '@mantine/core'
import { IconRefresh } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { api, type Of } from '../../api/client'
import { windowOf } from '../../app/search'
import { Cause } from '../../parts/badges'
import { count } from '../../parts/number'
import { Loaded } from '../../parts/states'
import { When } from '../../parts/when'
import { useWindow } from '../../parts/window'
import { useGateway } from '../../words/gateway'

export function Failures({ id }: { id: number }) {
  const { t, i18n } = useTranslation(['accounts', 'common'])
  const { explanation } = useGateway()
  const window = useWindow()
  const kept = windowOf(useSearch({ strict: false }))
  const query = { ...window, account_id: id }
  const causes = useQuery({
    queryKey: ['account causes', query],
    queryFn: async ({ signal }) => (await api.GET('/api/v1/admin/ops/dashboard/error-distribution', { params: { query: { ...query, of: 'attempts', by: 'cause' } as never }, signal })).data as Of<'ErrorDistribution'>,
    refetchInterval: 30_000,
  })
  const newest = useQuery({
    queryKey: ['account failures', query],
    queryFn: async ({ signal }) => (await api.GET('/api/v1/admin/ops/upstream-errors', { params: { query: { ...query, page_size: 5 } as never }, signal })).data as Of<'UpstreamErrorList'>,
    // Attempts come with what was sent and answered: each look stands in the audit log, so only somebody's own is one.
    staleTime: 60_000,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  })
  return (
    <Stack gap="xs">
      <Loaded query={causes} rows={3}>
        {({ items }) => (
          <div>
            {items.slice(0, 6).map((one) => (
              <Group key={one.value} justify="space-between" gap="xs" wrap="nowrap" title={explanation(one.value, one.explanation ?? '') || undefined}>
                <Anchor size="sm" component={Link} to="/upstream-errors" search={{ ...kept, account_id: String(id), cause: one.value } as never}>
                  <Cause cause={one.value} />
                </Anchor>
                <Text size="sm">{count(one.count, i18n.language)}</Text>
              </Group>
            ))}
            {items.length === 0 && <Text size="sm">{t('failures.none')}</Text>}
          </div>
        )}
      </Loaded>
      <Group justify="space-between" gap="xs">
        <Text size="xs">
          {t('failures.asOf')} <When at={newest.dataUpdatedAt > 0 ? new Date(newest.dataUpdatedAt).toISOString() : undefined} as="absolute" />
        </Text>
        <Button size="compact-xs" variant="default" leftSection={<IconRefresh size={13} aria-hidden />} onClick={() => void newest.refetch()} loading={newest.isRefetching}>
          {t('common:act.refresh')}
        </Button>
      </Group>
      <Loaded query={newest} rows={5}>
        {({ events }) =>
          events.map((event) => (
            <div key={event.id}>
              <Group gap={6}>
                <Anchor size="xs" component={Link} to="/upstream-errors/$id" params={{ id: String(event.id) } as never}>
                  <When at={event.created_at} />
                </Anchor>
                <Text size="xs">
                  <span className="mono">
                    {event.upstream_status_code} {event.model}
                  </span>
                </Text>
              </Group>
              <Text size="xs" className="said" lineClamp={2}>
                {event.message}
              </Text>
            </div>
          ))
        }
      </Loaded>
      <Anchor size="sm" component={Link} to="/upstream-errors" search={{ ...kept, account_id: String(id) } as never}>
        {t('failures.all')}
      </Anchor>
    </Stack>
  )
}
