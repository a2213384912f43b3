/** Where every record went: what was due is stored, on its way, or counted as lost, each loss by its name. */
import { Alert, Group, SimpleGrid, Stack, Table, Text } from '@mantine/core'
import { IconCircleCheck, IconScale } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { $api, type Of } from '../../api/client'
import { numberFormat } from '../../parts/format'
import { duration } from '../../parts/number'
import { Loaded } from '../../parts/states'
import { When } from '../../parts/when'

type View = Of<'BooksView'>

export function Books() {
  const books = $api.useQuery('get', '/api/v1/admin/ops/books', {}, { refetchInterval: 5_000 })
  return (
    <Loaded query={books} rows={6}>
      {(books) => (
        <Stack gap="sm">
          <Equation books={books} />
          <Facts books={books} />
          {books.losses.length > 0 && <Losses losses={books.losses} />}
          {books.set_aside_records.length > 0 && <Aside records={books.set_aside_records} />}
          {books.forwarding && <Forwarding forwarding={books.forwarding} />}
          {books.replicas.length > 0 && <ByReplica replicas={books.replicas} />}
        </Stack>
      )}
    </Loaded>
  )
}

function useWhole() {
  const { i18n } = useTranslation()
  const format = numberFormat(i18n.language)
  return (value: number) => format.format(value)
}

function Equation({ books: { due, stored, spooled, counted_lost } }: { books: Of<'Books'> }) {
  const { t } = useTranslation('system')
  const whole = useWhole()
  const balanced = due === stored + spooled + counted_lost
  const terms = [
    ['due', due],
    ['stored', stored],
    ['spooled', spooled],
    ['counted_lost', counted_lost],
  ] as const
  const signs = ['', '=', '+', '+']
  return (
    <>
      <Group gap="sm" align="end">
        {terms.map(([name, value], index) => (
          <Group key={name} gap="sm" align="end">
            {signs[index] && (
              <Text size="lg" fw={700}>
                {signs[index]}
              </Text>
            )}
            <div>
              <Text size="xs">{t(`books.${name}`)}</Text>
              <Text size="lg" fw={700}>
                {whole(value)}
              </Text>
            </div>
          </Group>
        ))}
      </Group>
      <Alert color={balanced && counted_lost === 0 ? 'teal' : counted_lost > 0 ? 'orange' : 'red'} icon={balanced ? <IconCircleCheck aria-hidden /> : <IconScale aria-hidden />} p="xs">
        {!balanced ? t('books.unbalanced') : counted_lost > 0 ? t('books.lost') : t('books.balanced')}
      </Alert>
    </>
  )
}

const FACTS = ['without_body', 'without_detail', 'set_aside', 'bodies_dropped', 'released_early', 'usage_lost', 'account_events_lost'] as const

function Facts({ books }: { books: View }) {
  const { t } = useTranslation('system')
  const whole = useWhole()
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xl" verticalSpacing={4}>
      {FACTS.map((name) => (
        <Group key={name} justify="space-between" wrap="nowrap" gap="xs">
          <Text size="sm">{t(`books.fact.${name}`)}</Text>
          <Text size="sm" fw={books[name] > 0 ? 700 : 400}>
            {whole(books[name])}
          </Text>
        </Group>
      ))}
    </SimpleGrid>
  )
}

function Losses({ losses }: { losses: View['losses'] }) {
  const { t } = useTranslation('system')
  const whole = useWhole()
  return (
    <Table.ScrollContainer minWidth={600}>
      <Table verticalSpacing={4}>
        <Table.Thead>
          <Table.Tr>
            {(['reason', 'count', 'cause', 'fingerprint', 'first', 'last'] as const).map((name) => (
              <Table.Th key={name}>{t(`books.loss.${name}`)}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {losses.map((loss) => (
            <Table.Tr key={`${loss.reason} ${loss.cause} ${loss.fingerprint}`}>
              <Table.Td>{t(`books.reason.${loss.reason as 'queue_full'}`, { defaultValue: loss.reason })}</Table.Td>
              <Table.Td>{whole(loss.count)}</Table.Td>
              <Table.Td className="mono">{loss.cause ?? '–'}</Table.Td>
              <Table.Td className="mono said">{loss.fingerprint ?? '–'}</Table.Td>
              <Table.Td>
                <When at={loss.first_at} />
              </Table.Td>
              <Table.Td>
                <When at={loss.last_at} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

function Aside({ records }: { records: View['set_aside_records'] }) {
  const { t } = useTranslation('system')
  return (
    <div>
      <Text size="sm" fw={600}>
        {t('books.aside')}
      </Text>
      {records.map((record) => (
        <Text key={record.id} size="xs" className="said">
          <When at={record.created_at} as="absolute" /> <span className="mono">{record.request_id}</span> {record.summary}
        </Text>
      ))}
    </div>
  )
}

function Forwarding({ forwarding: { works, reason, failing_ms } }: { forwarding: Of<'ForwardingView'> }) {
  const { t } = useTranslation('system')
  return (
    <Alert color={works ? 'gray' : 'red'} p="xs">
      {works ? t('books.forwards') : t('books.waits', { time: duration(failing_ms) })} {reason && <span className="said">{reason}</span>}
    </Alert>
  )
}

function ByReplica({ replicas }: { replicas: Of<'ReplicaBooks'>[] }) {
  const { t } = useTranslation('system')
  const whole = useWhole()
  return (
    <Table.ScrollContainer minWidth={600}>
      <Table verticalSpacing={4}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('replicas.column.name')}</Table.Th>
            {(['due', 'stored', 'spooled', 'counted_lost'] as const).map((name) => (
              <Table.Th key={name}>{t(`books.${name}`)}</Table.Th>
            ))}
            <Table.Th>{t('books.asOf')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {replicas.map((replica) => (
            <Table.Tr key={replica.id}>
              <Table.Th scope="row" className="said">
                {replica.name} {replica.own && t('replicas.own')}
              </Table.Th>
              <Table.Td>{whole(replica.due)}</Table.Td>
              <Table.Td>{whole(replica.stored)}</Table.Td>
              <Table.Td>{whole(replica.spooled)}</Table.Td>
              <Table.Td>{whole(replica.counted_lost)}</Table.Td>
              <Table.Td>
                <When at={replica.seen_at} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}
