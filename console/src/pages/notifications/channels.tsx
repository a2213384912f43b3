/** Who is told. */
import { Alert, Button, Group, Table, Text } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { $api, api, type Of } from '../../api/client'
import { useMay } from '../../app/session'
import { Aside, SureButton } from '../../parts/aside'
import { SeverityBadge } from '../../parts/badges'
import { useJoined } from '../../parts/joined'
import { duration } from '../../parts/number'
import { Empty, Loaded } from '../../parts/states'
import { tellProblem } from '../../parts/told'
import { Turn } from '../../parts/turn'
import { useAgain } from './asking'
import type { Channel } from './channel'
import { ChannelForm } from './channel-form'

export function Channels() {
  const { t } = useTranslation('watch')
  const mayChange = useMay('admin')
  const [edited, setEdited] = useState<Channel | 'new'>()
  const found = $api.useQuery('get', '/api/v1/admin/ops/notification-channels', { params: { query: { page_size: 500 } } })
  return (
    <>
      <Group justify="end" mb="xs">
        {mayChange && (
          <Button size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setEdited('new')}>
            {t('notifications.add')}
          </Button>
        )}
      </Group>
      <Loaded query={found}>
        {({ items }) => (items.length === 0 ? <Empty>{t('notifications.none')}</Empty> : <ChannelTable channels={items} edit={setEdited} />)}
      </Loaded>
      <Aside open={Boolean(edited)} close={() => setEdited(undefined)} title={t(edited === 'new' ? 'notifications.add' : 'notifications.edit')}>
        {edited && <ChannelForm channel={edited === 'new' ? undefined : edited} close={() => setEdited(undefined)} />}
      </Aside>
    </>
  )
}

function ChannelTable({ channels, edit }: { channels: readonly Channel[]; edit: (channel: Channel) => void }) {
  const { t } = useTranslation('watch')
  return (
    <Table.ScrollContainer minWidth={760}>
      <Table fz="sm" verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('notifications.on')}</Table.Th>
            <Table.Th>{t('notifications.name')}</Table.Th>
            <Table.Th>{t('notifications.channelKind')}</Table.Th>
            <Table.Th>{t('notifications.where')}</Table.Th>
            <Table.Th>{t('notifications.minSeverity')}</Table.Th>
            <Table.Th aria-label={t('notifications.test')} />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {channels.map((channel) => (
            <One key={channel.id} channel={channel} edit={() => edit(channel)} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

function One({ channel, edit }: { channel: Channel; edit: () => void }) {
  const { t } = useTranslation(['watch', 'common'])
  const { aside, list, named } = useJoined()
  const again = useAgain()
  const [mayChange, mayTest] = [useMay('admin'), useMay('operator')]
  const path = { params: { path: { id: channel.id } } }
  const remove = async () => {
    await api.DELETE('/api/v1/admin/ops/notification-channels/{id}', path)
    await again()
  }
  const where = channel.email ? aside(list(channel.email.to), channel.email.host) : (channel.host ?? '–')
  const secrets = list([channel.has_signing_secret && t('notifications.signed'), channel.has_password && t('notifications.withPassword')])
  return (
    <Table.Tr>
      <Table.Td>
        <Turn
          isOn={channel.enabled ?? true}
          mayTurn={mayChange}
          label={named(t('notifications.on'), channel.name)}
          turn={(enabled) => api.PATCH('/api/v1/admin/ops/notification-channels/{id}', { ...path, body: { enabled } })}
          again={again}
        />
      </Table.Td>
      <Table.Td className="said" fw={600}>
        {channel.name}
      </Table.Td>
      <Table.Td>{t(`notifications.channel.${channel.kind}`)}</Table.Td>
      <Table.Td className="said">
        {where} {secrets && <Text size="xs">{secrets}</Text>}
      </Table.Td>
      <Table.Td>
        <SeverityBadge severity={channel.min_severity ?? 'P3'} />
      </Table.Td>
      <Table.Td>
        <Group gap={4} align="start">
          {mayTest && <TestButton channel={channel} />}
          {mayChange && (
            <>
              <Button size="compact-xs" variant="default" onClick={edit}>
                {t('common:act.edit')}
              </Button>
              <SureButton size="compact-xs" what={t('notifications.delete', { name: channel.name })} act={remove}>
                {t('common:act.delete')}
              </SureButton>
            </>
          )}
        </Group>
      </Table.Td>
    </Table.Tr>
  )
}

/** Sends a test at once, and says what the receiver said. */
function TestButton({ channel }: { channel: Channel }) {
  const { t } = useTranslation('watch')
  const again = useAgain()
  const [busy, setBusy] = useState(false)
  const [tested, setTested] = useState<Of<'ChannelTested'>>()
  const test = () => {
    setBusy(true)
    void api
      .POST('/api/v1/admin/ops/notification-channels/{id}/test', { params: { path: { id: channel.id } } })
      .then(({ data }) => {
        setTested(data)
        return again()
      }, tellProblem)
      .finally(() => setBusy(false))
  }
  return (
    <>
      <Button size="compact-xs" variant="default" onClick={test} loading={busy}>
        {t('notifications.test')}
      </Button>
      {tested && (
        <Alert w="100%" color={tested.ok ? 'teal' : 'red'} p="xs" role="status" title={t(tested.ok ? 'notifications.testOk' : 'notifications.testFailed', { took: duration(tested.took_ms) })}>
          <Text size="xs" className="said">
            {[tested.status, tested.said].filter(Boolean).join(' ')}
          </Text>
        </Alert>
      )}
    </>
  )
}
