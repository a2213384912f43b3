/** When this request was sent again before, and what came of it. */
import { Button, Modal, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Of } from '../../api/client'
import { Cause } from '../../parts/badges'
import { useNames } from '../../parts/filters/names'
import { duration } from '../../parts/number'
import { Loaded } from '../../parts/states'
import { When } from '../../parts/when'
import { Comparison } from './comparison'

type Attempt = Of<'RetryAttempt'>

export function Retries({ error }: { error: Of<'ErrorLogDetail'> }) {
  const { t } = useTranslation('errors')
  const { nameOf } = useNames('account')
  const [shown, setShown] = useState<Attempt | null>(null)
  const id = String(error.id)
  const found = useQuery({
    queryKey: ['retries', id],
    queryFn: async () => (await api.GET('/api/v1/admin/ops/errors/{id}/retries', { params: { path: { id } } })).data?.items ?? [],
    // One that somebody else began is followed to its end.
    refetchInterval: ({ state }) => (state.data?.some(({ status }) => status === 'running') ? 2_000 : false),
  })
  return (
    <Loaded query={found} rows={2}>
      {(attempts) =>
        attempts.length === 0 ? (
          <Text size="sm">{t('retries.none')}</Text>
        ) : (
          <>
            <Table.ScrollContainer minWidth={600} type="native">
              <Table fz="sm" verticalSpacing={4}>
                <Table.Thead>
                  <Table.Tr>
                    {(['when', 'way', 'result', 'status', 'cause', 'duration'] as const).map((name) => (
                      <Table.Th key={name}>{t(`retries.${name}`)}</Table.Th>
                    ))}
                    <Table.Th aria-label={t('retries.compare')} />
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {attempts.map((attempt) => (
                    <Table.Tr key={attempt.id}>
                      <Table.Td>
                        <When at={attempt.created_at} />
                      </Table.Td>
                      <Table.Td className="said">
                        {t(`again.${attempt.mode}`)}
                        {attempt.used_account_id != null && ` → ${nameOf(String(attempt.used_account_id))}`}
                      </Table.Td>
                      <Table.Td>{t(`again.verdict.${attempt.verdict ?? (attempt.status === 'succeeded' ? 'would_succeed' : attempt.status)}`)}</Table.Td>
                      <Table.Td>{attempt.http_status_code ?? '–'}</Table.Td>
                      <Table.Td>{attempt.result_cause ? <Cause cause={attempt.result_cause} /> : '–'}</Table.Td>
                      <Table.Td>{duration(attempt.duration_ms)}</Table.Td>
                      <Table.Td>
                        <Button size="compact-xs" variant="default" onClick={() => setShown(attempt)}>
                          {t('retries.compare')}
                        </Button>
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
            <Modal opened={shown !== null} onClose={() => setShown(null)} title={t('retries.compare')} size="xl">
              {shown && <Comparison before={error} after={shown} />}
            </Modal>
          </>
        )
      }
    </Loaded>
  )
}
