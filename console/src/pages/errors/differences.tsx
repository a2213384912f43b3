/** What these failures have more often than what was served: the server's own sentences. */
import { List as Items, Modal, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { $api } from '../../api/client'
import { type Search, windowOf } from '../../app/search'
import { useJoined } from '../../parts/joined'
import { Loaded } from '../../parts/states'
import { useSaidWindow } from '../../parts/window'
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
  const found = $api.useQuery('get', '/api/v1/admin/ops/errors/differences', { params: { query: queryOf(query) } })
  return (
    <Loaded query={found} rows={4}>
      {({ summary, attributes, sampled, failures, successes }) => (
        <Stack gap="sm">
          <Text fw={600} className="said">
            {summary}
          </Text>
          <Items size="sm" spacing={6}>
            {(attributes as unknown as { attribute: string; value: string; sentence: string }[]).map(({ attribute, value, sentence }) => (
              <Items.Item key={`${attribute} ${value}`}>
                <span className="said">{sentence}</span>
              </Items.Item>
            ))}
          </Items>
          <Text size="xs">
            {t('differences.of', { failures: String(failures), successes: String(successes) })} {sampled && t('differences.sampled')}
          </Text>
        </Stack>
      )}
    </Loaded>
  )
}
