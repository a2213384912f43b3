/** The newest failures of an issue, and the way to all of them. */
import { Anchor, Table, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { $api } from '../../api/client'
import { whereHidden } from '../../parts/filters/hidden'
import { Panel } from '../../parts/panel'
import { Loaded } from '../../parts/states'
import { When } from '../../parts/when'

export function Samples({ issue, seen }: { issue: string; seen: number }) {
  const { t } = useTranslation('issues')
  const filter = { issue, time_range: '30d' as const, ...whereHidden(seen) }
  const found = $api.useQuery('get', '/api/v1/admin/ops/errors', { params: { query: { ...filter, page_size: 8 } as never } }, { refetchInterval: 15_000 })
  const all = (
    <Anchor component={Link} to="/errors" search={filter as never} size="sm">
      {t('all')}
    </Anchor>
  )
  return (
    <Panel title={t('samples')} aside={all}>
      <Loaded query={found} rows={8}>
        {({ errors }) =>
          errors.length === 0 ? (
            <Text size="sm">{t('noSamples')}</Text>
          ) : (
            <Table.ScrollContainer minWidth={420}>
              <Table fz="xs" verticalSpacing={3} horizontalSpacing={6}>
                <Table.Tbody>
                  {errors.map((error) => (
                    <Table.Tr key={error.id}>
                      <Table.Td style={{ whiteSpace: 'nowrap' }}>
                        <Anchor component={Link} to="/errors/$id" params={{ id: String(error.id) } as never} fz="xs">
                          <When at={error.created_at} />
                        </Anchor>
                      </Table.Td>
                      <Table.Td>{error.status_code}</Table.Td>
                      <Table.Td className="said">{error.model ?? '–'}</Table.Td>
                      <Table.Td className="said">{error.account_name ?? '–'}</Table.Td>
                      <Table.Td className="said">{error.message}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          )
        }
      </Loaded>
    </Panel>
  )
}
