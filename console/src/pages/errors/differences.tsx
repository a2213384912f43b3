/** What these failures have more often than what was served: the server's own sentences. */
import { List as Items, Modal, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { $api } from '../../api/client'
import { type Search, windowOf } from '../../app/search'
import { useJoined } from '../../parts/joined'
import { Loaded } from '../../parts/states'
import { useSaidWindow } from '../../parts/window'
import { useGateway } from '../../words/gateway'
import { queryOf } from './ask'

export function Differences({ opened, onClose, query }: { opened: boolean; onClose: () => void; query: Search }) {
  const { t } = useTranslation('errors')
  const { aside } = useJoined()
  const said = useSaidWindow()
  return (
    <Modal opened={opened} onClose={onClose} title={aside(t('differences.title'), said(windowOf(query)))} size="lg">
      {opened && <Found query={query} />}
    </Modal>
  )
}

function Found({ query }: { query: Search }) {
  const { t } = useTranslation('errors')
  const gateway = useGateway()
  const asked = $api.useQuery('get', '/api/v1/admin/ops/errors/differences', { params: { query: queryOf(query) } })
  return (
    <Loaded query={asked} rows={4}>
      {(found) => (
        <Stack gap="sm">
          <Text fw={600} className="said">
            {gateway.summary(found)}
          </Text>
          <Items size="sm" spacing={6}>
            {found.attributes.map((one) => (
              <Items.Item key={`${one.attribute} ${one.value}`}>
                <span className="said">{gateway.difference(one)}</span>
              </Items.Item>
            ))}
          </Items>
          <Text size="xs">
            {t('differences.of', { failures: String(found.failures), successes: String(found.successes) })} {found.sampled && t('differences.sampled')}
          </Text>
        </Stack>
      )}
    </Loaded>
  )
}
