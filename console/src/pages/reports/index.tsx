/** Reports that come by themselves: when, to whom, and as they would be now. */
import { Anchor, Button, Code, Group, Table } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { $api, api, type Of } from '../../api/client'
import { useMay } from '../../app/session'
import { Aside, SureButton } from '../../parts/aside'
import { nameOf, useChannelChoices } from '../../parts/choices'
import { Head } from '../../parts/head'
import { useJoined } from '../../parts/joined'
import { Empty, Loaded } from '../../parts/states'
import { tellDone } from '../../parts/told'
import { Turn } from '../../parts/turn'
import { When } from '../../parts/when'
import { useAgain } from './asking'
import { ScheduleForm } from './form'

type Schedule = Of<'Schedule'>

export function Page() {
  const { t } = useTranslation(['watch', 'common'])
  const mayChange = useMay('admin')
  const channels = useChannelChoices()
  const [edited, setEdited] = useState<Schedule | 'new'>()
  const [looked, setLooked] = useState<Schedule>()
  const found = $api.useQuery('get', '/api/v1/admin/ops/report-schedules', { params: { query: { page_size: 500 } } }, { refetchInterval: 30_000 })
  const toChannels = channels.length === 0 && (
    <Anchor component={Link} to="/notifications" size="sm">
      {t('reports.toChannels')}
    </Anchor>
  )
  return (
    <>
      <Head title={t('common:menu.reports')}>
        {mayChange && (
          <Button size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setEdited('new')}>
            {t('reports.add')}
          </Button>
        )}
      </Head>
      <Loaded query={found}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty action={toChannels}>
              {t('reports.none')} {toChannels && t('reports.noChannels')}
            </Empty>
          ) : (
            <Schedules schedules={items} edit={setEdited} look={setLooked} />
          )
        }
      </Loaded>
      <Aside open={Boolean(edited)} close={() => setEdited(undefined)} title={t(edited === 'new' ? 'reports.add' : 'reports.edit')}>
        {edited && <ScheduleForm schedule={edited === 'new' ? undefined : edited} close={() => setEdited(undefined)} />}
      </Aside>
      <Aside open={Boolean(looked)} close={() => setLooked(undefined)} title={t('reports.previewTitle', { name: looked?.name ?? '' })} size="xl">
        {looked && <Preview id={looked.id} />}
      </Aside>
    </>
  )
}

function Schedules({ schedules, edit, look }: { schedules: readonly Schedule[]; edit: (schedule: Schedule) => void; look: (schedule: Schedule) => void }) {
  const { t } = useTranslation('watch')
  return (
    <Table.ScrollContainer minWidth={860}>
      <Table fz="sm" verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('notifications.on')}</Table.Th>
            <Table.Th>{t('reports.name')}</Table.Th>
            <Table.Th>{t('reports.what')}</Table.Th>
            <Table.Th>{t('reports.when')}</Table.Th>
            <Table.Th>{t('reports.channels')}</Table.Th>
            <Table.Th>{t('reports.next')}</Table.Th>
            <Table.Th>{t('reports.last')}</Table.Th>
            <Table.Th aria-label={t('reports.preview')} />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {schedules.map((schedule) => (
            <One key={schedule.id} schedule={schedule} edit={() => edit(schedule)} look={() => look(schedule)} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

function One({ schedule, edit, look }: { schedule: Schedule; edit: () => void; look: () => void }) {
  const { t } = useTranslation(['watch', 'common'])
  const { list, named } = useJoined()
  const again = useAgain()
  const channels = useChannelChoices()
  const [mayChange, maySend] = [useMay('admin'), useMay('operator')]
  const path = { params: { path: { id: schedule.id } } }
  const send = async () => {
    await api.POST('/api/v1/admin/ops/report-schedules/{id}/send', path)
    tellDone(t('reports.sent'))
    await again()
  }
  const remove = async () => {
    await api.DELETE('/api/v1/admin/ops/report-schedules/{id}', path)
    await again()
  }
  return (
    <Table.Tr>
      <Table.Td>
        <Turn
          isOn={schedule.enabled ?? true}
          mayTurn={mayChange}
          label={named(t('notifications.on'), schedule.name)}
          turn={(enabled) => api.PATCH('/api/v1/admin/ops/report-schedules/{id}', { ...path, body: { enabled } })}
          again={again}
        />
      </Table.Td>
      <Table.Td className="said" fw={600}>
        {schedule.name}
      </Table.Td>
      <Table.Td>{t(`reports.kind.${schedule.kind}`)}</Table.Td>
      <Table.Td>
        <span className="mono">{schedule.cron}</span> {schedule.time_zone}
      </Table.Td>
      <Table.Td>{list(schedule.channels.map((id) => nameOf(channels, id)))}</Table.Td>
      <Table.Td>
        <When at={schedule.next_at} />
      </Table.Td>
      <Table.Td>
        <When at={schedule.last_at} />
      </Table.Td>
      <Table.Td>
        <Group gap={4}>
          <Button size="compact-xs" variant="default" onClick={look}>
            {t('reports.preview')}
          </Button>
          {maySend && (
            <SureButton size="compact-xs" what={t('reports.sendWhat', { count: schedule.channels.length })} act={send}>
              {t('reports.send')}
            </SureButton>
          )}
          {mayChange && (
            <>
              <Button size="compact-xs" variant="default" onClick={edit}>
                {t('common:act.edit')}
              </Button>
              <SureButton size="compact-xs" what={t('reports.delete', { name: schedule.name })} act={remove}>
                {t('common:act.delete')}
              </SureButton>
            </>
          )}
        </Group>
      </Table.Td>
    </Table.Tr>
  )
}

/** The report as text, as a chat or a mail program without HTML would show it. */
function Preview({ id }: { id: number }) {
  const found = useQuery({
    queryKey: ['report-preview', id],
    queryFn: async ({ signal }) => {
      const { data } = await api.GET('/api/v1/admin/ops/report-schedules/{id}/preview', { params: { path: { id }, query: { as: 'text' } }, parseAs: 'text', signal })
      return String(data)
    },
  })
  return (
    <Loaded query={found} rows={16}>
      {(text) => (
        <Code block style={{ overflow: 'auto' }}>
          {text}
        </Code>
      )}
    </Loaded>
  )
}
