/** Makes an objective, or changes one. */
import { Button, Group, NumberInput, Select, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useTranslation } from 'react-i18next'
import { api } from '../../api/client'
import { useGroupChoices } from '../../parts/choices'
import { toFields } from '../../parts/fields'
import { unlessNewer } from '../../parts/meanwhile'
import { tellDone } from '../../parts/told'
import { useUnsaved } from '../../parts/unsaved'
import { PLATFORMS } from '../../parts/words-of'
import { readObjective, useAgain } from './asking'
import { bodyOf, FIELDS, type Objective, type Values, valuesOf } from './kinds'

export function ObjectiveForm({ objective, close }: { objective: Objective | undefined; close: () => void }) {
  const { t } = useTranslation(['watch', 'common'])
  const again = useAgain()
  const groups = useGroupChoices()
  const form = useForm<Values>({
    initialValues: valuesOf(objective),
    validate: {
      name: (name) => (name.trim() ? null : t('objectives.needName')),
      target_percent: (target) => (target !== '' && target > 0 && target < 100 ? null : t('objectives.needTarget')),
      within_ms: (within, { goal }) => (goal === 'availability' || Number(within) > 0 ? null : t('objectives.needWithin')),
    },
  })
  useUnsaved(form.isDirty())
  const submit = form.onSubmit(async (values) => {
    const body = bodyOf(values)
    const sent = objective ? unlessNewer(objective, readObjective(objective.id)).then(() => api.PUT('/api/v1/admin/ops/objectives/{id}', { params: { path: { id: objective.id } }, body })) : api.POST('/api/v1/admin/ops/objectives', { body })
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
  const isTime = form.values.goal !== 'availability'
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <TextInput size="xs" label={t('objectives.name')} maxLength={128} {...form.getInputProps('name')} />
        <Select
          size="xs"
          label={t('objectives.goalLabel')}
          data={(['availability', 'time_to_first_token', 'latency'] as const).map((value) => ({ value, label: t(`objectives.goal.${value}`) }))}
          allowDeselect={false}
          {...form.getInputProps('goal')}
        />
        {isTime && <NumberInput size="xs" label={t('objectives.withinMs')} min={1} allowDecimal={false} {...form.getInputProps('within_ms')} />}
        <Select size="xs" label={t('objectives.sideLabel')} data={(['client', 'provider'] as const).map((value) => ({ value, label: t(`objectives.side.${value}`) }))} allowDeselect={false} {...form.getInputProps('side')} />
        <SimpleGrid cols={2} spacing="sm">
          <NumberInput size="xs" label={t('objectives.target')} min={0} max={100} decimalScale={4} {...form.getInputProps('target_percent')} />
          <NumberInput size="xs" label={t('objectives.days')} min={1} allowDecimal={false} {...form.getInputProps('window_days')} />
        </SimpleGrid>
        <Text size="xs">{t('objectives.scopeHint')}</Text>
        <Select size="xs" label={t('objectives.platform')} placeholder={t('any')} data={PLATFORMS} clearable {...form.getInputProps('platform')} />
        <Select size="xs" label={t('objectives.group')} placeholder={t('any')} data={groups} searchable clearable {...form.getInputProps('group_id')} />
        <TextInput size="xs" label={t('objectives.model')} placeholder={t('any')} {...form.getInputProps('model')} />
        <Group justify="end">
          <Button size="xs" variant="default" onClick={close}>
            {t('common:act.cancel')}
          </Button>
          <Button size="xs" type="submit" loading={form.submitting}>
            {t(objective ? 'common:act.save' : 'common:act.create')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
