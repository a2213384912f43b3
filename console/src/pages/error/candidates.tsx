/** Every account that was looked at, and why it was passed over. */
import { Anchor, Table, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../api/client'
import { Cause } from '../../parts/badges'
import { within } from '../../parts/filters/use'
import { useJoined } from '../../parts/joined'
import { When } from '../../parts/when'
import { useGateway } from '../../words/gateway'
import type { ExclusionWord } from './words'

export function Candidates({ route }: { route: Of<'Candidate'>[] }) {
  const { t } = useTranslation('errors')
  const { aside } = useJoined()
  const { scope } = useGateway()
  if (route.length === 0) return <Text size="sm">{t('candidates.none')}</Text>
  return (
    <Table.ScrollContainer minWidth={520} type="native">
      <Table verticalSpacing={4} fz="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('column.account_name')}</Table.Th>
            <Table.Th>{t('candidates.why')}</Table.Th>
            <Table.Th>{t('candidates.said')}</Table.Th>
            <Table.Th>{t('candidates.until')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {route.map((candidate, at) => {
            const excluded = candidate.excluded as unknown as ExclusionWord | null | undefined
            return (
              <Table.Tr key={`${candidate.account_id} ${at}`}>
                <Table.Td>
                  <Anchor component={Link} to="/accounts/$id" params={{ id: String(candidate.account_id) } as never} search={within()} size="sm">
                    {candidate.account_name}
                  </Anchor>
                </Table.Td>
                <Table.Td fw={excluded ? 400 : 700}>{excluded ? t(`excluded.${excluded}`) : t('candidates.chosen')}</Table.Td>
                <Table.Td className="said">
                  {candidate.reason}
                  {candidate.cause && (
                    <>
                      {' '}
                      <Cause cause={candidate.cause} />
                    </>
                  )}
                  {candidate.scope && candidate.scope !== 'account' && aside('', scope(candidate.scope))}
                  {candidate.caused_by && (
                    <>
                      {' '}
                      <Anchor component={Link} to="/errors/$id" params={{ id: candidate.caused_by } as never} search={within()} size="xs">
                        {t('candidates.causedBy')}
                      </Anchor>
                    </>
                  )}
                </Table.Td>
                <Table.Td>{candidate.until ? <When at={candidate.until} as="both" /> : '–'}</Table.Td>
              </Table.Tr>
            )
          })}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}
