/** Makes a report that comes by itself, or changes one. */
import { Autocomplete, Button, Group, MultiSelect, Select, Stack, Switch, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useTranslation } from 'react-i18next'
import { api, type Of } from '../../api/client'
import { useChannelChoices } from '../../parts/choices'
import { toFields } from '../../parts/fields'
import { unlessNewer } from '../../parts/meanwhile'
import { tellDone } from '../../parts/told'
import { useUnsaved } from '../../parts/unsaved'
import { useAgain } from './asking'

export const KINDS = ['daily_summary', 'weekly_summary', 'error_digest', 'account_health'] as const satisfies readonly Of<'ReportKind'>[]
const FIELDS = ['name', 'kind', 'cron', 'time_zone', 'channels', 'enabled']
const EXAMPLES = { daily: '0 9 * * *', weekdays: '0 9 * * MON-FRI', monday: '0 9 * * MON', monthly: '0 9 1 * *' } as const

export function ScheduleForm({ schedule, close }: { schedule: Of<'Schedule'> | undefined; close: () => void }) {
  const { t } = useTranslation(['watch', 'common'])
  const again = useAgain()
  const channels = useChannelChoices()
  const form = useForm({
    initialValues: {
      name: schedule?.name ?? '',
      kind: (schedule?.kind ?? 'daily_summary') as Of<'ReportKind'>,
      cron: schedule?.cron ?? '0 9 * * *',
      time_zone: schedule?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
      channels: schedule?.channels.map(String) ?? [],
      enabled: schedule?.enabled ?? true,
    },
    validate: {
      name: (name) => (name.trim() ? null : t('reports.needName')),
      cron: (cron) => (cron.startsWith('@') || cron.trim().split(/\s+/).length === 5 ? null : t('reports.needCron')),
      channels: (chosen) => (chosen.length > 0 ? null : t('reports.needChannels')),
    },
  })
  useUnsaved(form.isDirty())
  const submit = form.onSubmit(async (values) => {
    const body = { ...values, channels: values.channels.map(Number) }
    const sent = schedule ? unlessNewer(schedule, async () => (await api.GET('/api/v1/admin/ops/report-schedules/{id}', { params: { path: { id: schedule.id } } })).data).then(() => api.PATCH('/api/v1/admin/ops/report-schedules/{id}', { params: { path: { id: schedule.id } }, body })) : api.POST('/api/v1/admin/ops/report-schedules', { body })
    await (sent as Promise<unknown>).then(async () => {
      // What stands behind the form is as new as what was sent, before anything can be done with it.
      await again()
      tellDone()
      close()
    }, (thrown) => {
      toFields(form, FIELDS)(thrown)
      // What somebody else made of it meanwhile is what it is opened with next.
      return again()
    })
  })
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <TextInput size="xs" label={t('reports.name')} maxLength={128} {...form.getInputProps('name')} />
        <Select size="xs" label={t('reports.what')} data={KINDS.map((value) => ({ value, label: t(`reports.kind.${value}`) }))} allowDeselect={false} {...form.getInputProps('kind')} />
        <TextInput size="xs" label={t('reports.cron')} description={t('reports.cronHint')} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }} {...form.getInputProps('cron')} />
        <Group gap={4}>
          {(Object.keys(EXAMPLES) as (keyof typeof EXAMPLES)[]).map((name) => (
            <Button key={name} size="compact-xs" variant="default" onClick={() => form.setFieldValue('cron', EXAMPLES[name])}>
              {t(`reports.examples.${name}`)}
            </Button>
          ))}
        </Group>
        <Autocomplete size="xs" label={t('reports.timeZone')} data={['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')]} limit={50} {...form.getInputProps('time_zone')} />
        <MultiSelect size="xs" label={t('reports.channels')} data={channels} searchable {...form.getInputProps('channels')} />
        {channels.length === 0 && <Text size="xs">{t('reports.noChannels')}</Text>}
        <Switch size="xs" label={t('reports.enabled')} {...form.getInputProps('enabled', { type: 'checkbox' })} />
        <Group justify="end">
          <Button size="xs" variant="default" onClick={close}>
            {t('common:act.cancel')}
          </Button>
          <Button size="xs" type="submit" loading={form.submitting}>
            {t(schedule ? 'common:act.save' : 'common:act.create')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
