/** Groups: sets of accounts of one platform, which keys may use. */
import { Alert, Anchor, Group as Row, MultiSelect, Select, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { $api, api } from '../api/client'
import { useMay } from '../app/session'
import { StateBadge, StatusBadge } from '../parts/account-state'
import { changed } from '../parts/changed'
import { ConfirmButton } from '../parts/confirm'
import { Fields, SaveBar, Sheet, Trouble, useSave } from '../parts/form'
import { useJoined } from '../parts/joined'
import type { Column } from '../parts/list'
import { Meter } from '../parts/meter'
import { PLATFORMS } from '../parts/words-of'
import { type Group, useGroups } from './access/data'
import { Things } from './access/frame'
import { FIELDS, formBody, patchBody, type Values, valuesOf } from './access/group'
import { ModelMapping, StateRules } from './accounts/fields'

export function Page() {
  const { t } = useTranslation('access')
  return <Things name="groups" title={t('groups.title')} create={t('groups.create')} empty={t('groups.empty')} found={useGroups()} columns={useColumns()} sheet={(group, close) => <One key={group?.id ?? 'new'} group={group} onClose={close} />} />
}

function useColumns(): Column<Group>[] {
  const { t } = useTranslation('access')
  const { list } = useJoined()
  const availability = $api.useQuery('get', '/api/v1/admin/ops/account-availability', {}, { refetchInterval: 5_000 })
  const concurrency = $api.useQuery('get', '/api/v1/admin/ops/concurrency', {}, { refetchInterval: 5_000 })
  const accounts = new Map(availability.data?.groups.map((group) => [group.group_id, group]))
  const running = new Map(concurrency.data?.groups.map((group) => [group.id, group]))
  return [
    { key: 'name', title: t('name'), width: 'minmax(150px, 1fr)', cell: ({ name }) => <strong>{name}</strong> },
    { key: 'platform', title: t('groups.platform'), width: '100px', cell: ({ platform }) => platform },
    { key: 'status', title: t('status'), width: '110px', cell: ({ status }) => <StatusBadge status={status} /> },
    {
      key: 'accounts',
      title: t('groups.available'),
      width: '150px',
      cell: ({ id }) => {
        const { available = 0, total = 0 } = accounts.get(id) ?? {}
        return (
          <Text size="xs" span fw={available < total || total === 0 ? 700 : 400}>
            {available} / {total}
          </Text>
        )
      },
    },
    {
      key: 'in_flight',
      title: t('usage.inFlight'),
      width: '150px',
      cell: ({ id }) => <Meter used={running.get(id)?.in_flight ?? 0} limit={running.get(id)?.limit} label={t('usage.inFlight')} />,
    },
    { key: 'waiting', title: t('groups.waiting'), width: '80px', align: 'right', cell: ({ id }) => running.get(id)?.waiting ?? 0 },
    { key: 'protocols', title: t('groups.protocols'), width: 'minmax(150px, 1fr)', cell: ({ protocols }) => list(protocols) },
    { key: 'sticky', title: t('groups.sticky'), width: '110px', cell: ({ sticky }) => t(`groups.stickies.${sticky}`) },
    { key: 'mapping', title: t('groups.mapping'), width: 'minmax(160px, 1fr)', cell: ({ model_mapping }) => list(model_mapping.map(({ from, to }) => `${from} → ${to}`)) || '–' },
  ]
}

const PROTOCOLS = ['anthropic', 'openai', 'gemini'] as const
function One({ group, onClose }: { group: Group | undefined; onClose: () => void }) {
  const { t } = useTranslation(['access', 'common'])
  const mayChange = useMay('admin')
  const [before] = useState(() => valuesOf(group))
  const form = useForm({ initialValues: before })
  const { save, isSaving, problem } = useSave({
    form,
    fields: FIELDS,
    send: async (values: Values) =>
      group
        ? await api.PATCH('/api/v1/admin/groups/{id}', { params: { path: { id: group.id } }, body: changed(patchBody(before, values)) })
        : await api.POST('/api/v1/admin/groups', { body: formBody(values) }),
    onDone: onClose,
  })
  return (
    <Sheet opened title={group ? group.name : t('groups.create')} onClose={onClose} isDirty={form.isDirty()}>
      {group && <Members name={group.name} />}
      <form onSubmit={form.onSubmit((values) => save(values))}>
        <Fields locked={mayChange ? undefined : t('common:form.adminsOnly')}>
          <TextInput label={t('name')} required {...form.getInputProps('name')} />
          <Select label={t('groups.platform')} disabled={Boolean(group)} description={group ? t('groups.platformFixed') : t('groups.platformHint')} data={[...PLATFORMS]} allowDeselect={false} {...form.getInputProps('platform')} />
          <Select label={t('status')} data={(['active', 'disabled'] as const).map((value) => ({ value, label: t(`statuses.${value}`) }))} allowDeselect={false} {...form.getInputProps('status')} />
          <MultiSelect label={t('groups.protocols')} description={t('groups.protocolsHint')} data={[...PROTOCOLS]} {...form.getInputProps('protocols')} />
          <Select label={t('groups.sticky')} description={t('groups.stickyHint')} data={(['off', 'session', 'prefix'] as const).map((value) => ({ value, label: t(`groups.stickies.${value}`) }))} allowDeselect={false} {...form.getInputProps('sticky')} />
          <ModelMapping form={form} />
          <StateRules form={form} />
          <Trouble problem={problem} />
        </Fields>
        {mayChange && (
          <SaveBar saving={isSaving} onCancel={onClose}>
            {group && (
              <ConfirmButton label={t('common:act.delete')} title={t('deleteOne', { name: group.name })} act={() => api.DELETE('/api/v1/admin/groups/{id}', { params: { path: { id: group.id } } })} onDone={onClose} explain={{ in_use: t('groups.inUse') }}>
                {t('groups.deleteWhat')}
              </ConfirmButton>
            )}
          </SaveBar>
        )}
      </form>
    </Sheet>
  )
}

/** The accounts of a group, and whether they can serve. */
function Members({ name }: { name: string }) {
  const { t } = useTranslation('access')
  const { data } = $api.useQuery('get', '/api/v1/admin/ops/account-availability', {}, { refetchInterval: 5_000 })
  const members = data?.accounts.filter(({ groups }) => groups.includes(name)) ?? []
  if (data && members.length === 0)
    return (
      <Alert color="yellow" mb="sm">
        {t('groups.noAccounts')}
      </Alert>
    )
  return (
    <Stack gap={4} mb="sm">
      {members.map((one) => (
        <Row key={one.account_id} gap="xs">
          <StateBadge state={one.status} />
          <Anchor size="sm" component={Link} to="/accounts/$id" params={{ id: String(one.account_id) } as never} className="said">
            {one.account_name}
          </Anchor>
        </Row>
      ))}
    </Stack>
  )
}

