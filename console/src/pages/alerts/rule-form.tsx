/** Makes a rule, or changes one; what the API says of a field stands at it. */
import { Button, Fieldset, Group, MultiSelect, NumberInput, Select, SimpleGrid, Stack, Switch, Text, Textarea, TextInput } from '@mantine/core'
import { useForm, type UseFormReturnType } from '@mantine/form'
import { useTranslation } from 'react-i18next'
import { api } from '../../api/client'
import { useMay } from '../../app/session'
import { useAccountChoices, useChannelChoices, useGroupChoices, useKeyChoices, useObjectiveChoices } from '../../parts/choices'
import { toFields } from '../../parts/fields'
import { unlessNewer } from '../../parts/meanwhile'
import { useJoined } from '../../parts/joined'
import { tellDone } from '../../parts/told'
import { useUnsaved } from '../../parts/unsaved'
import { PLATFORMS, SEVERITIES } from '../../parts/words-of'
import { readRule, useAgain } from './asking'
import { bodyOfValues, FIELDS, type Values, valuesOf } from './form'
import { type FilterName, METRICS, type Metric, type Rule } from './kinds'
import { Preview } from './preview'

type Form = UseFormReturnType<Values>

export function RuleForm({ rule, close }: { rule: Rule | undefined; close: () => void }) {
  const { t } = useTranslation(['alerts', 'common'])
  const mayChange = useMay('admin')
  const again = useAgain()
  const form: Form = useForm<Values>({
    initialValues: valuesOf(rule),
    validate: {
      name: (name) => (name.trim() ? null : t('form.needName')),
      threshold: (threshold, { metric }) => {
        if (threshold === '' || threshold < 0) return t('form.needNumber')
        return METRICS[metric].unit === 'percent' && threshold > 100 ? t('form.percent') : null
      },
    },
  })
  useUnsaved(form.isDirty())
  const submit = form.onSubmit(async (values) => {
    const body = bodyOfValues(values)
    const sent = rule ? unlessNewer(rule, readRule(rule.id)).then(() => api.PUT('/api/v1/admin/ops/alert-rules/{id}', { params: { path: { id: rule.id } }, body })) : api.POST('/api/v1/admin/ops/alert-rules', { body })
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
        <Fieldset disabled={!mayChange} variant="unstyled">
          <Stack gap="sm">
            <Said form={form} />
            <Condition form={form} />
            <Times form={form} />
            <Kept form={form} />
            <Telling form={form} />
          </Stack>
        </Fieldset>
        {mayChange && (
          <Group justify="end">
            <Button size="xs" variant="default" onClick={close}>
              {t('common:act.cancel')}
            </Button>
            <Button size="xs" type="submit" loading={form.submitting}>
              {t(rule ? 'common:act.save' : 'common:act.create')}
            </Button>
          </Group>
        )}
        <Preview form={form} />
      </Stack>
    </form>
  )
}

function Said({ form }: { form: Form }) {
  const { t } = useTranslation('alerts')
  return (
    <>
      <TextInput size="xs" label={t('form.name')} required withAsterisk={false} maxLength={128} {...form.getInputProps('name')} />
      <Switch size="xs" label={t('form.enabled')} {...form.getInputProps('enabled', { type: 'checkbox' })} />
    </>
  )
}

function Condition({ form }: { form: Form }) {
  const { t } = useTranslation('alerts')
  const { aside } = useJoined()
  const metrics = (Object.keys(METRICS) as Metric[]).map((value) => ({ value, label: t(`metric.${value}`) }))
  const { unit, isShare } = METRICS[form.values.metric]
  return (
    <SimpleGrid cols={{ base: 1, sm: 3 }} spacing="sm">
      <Select size="xs" label={t('form.metric')} data={metrics} searchable allowDeselect={false} {...form.getInputProps('metric')} />
      <Select size="xs" label={t('form.operator')} data={['>', '>=', '<', '<=']} allowDeselect={false} {...form.getInputProps('operator')} />
      <NumberInput size="xs" label={aside(t('form.threshold'), t(`unit.${unit}`))} min={0} {...form.getInputProps('threshold')} />
      {isShare && <NumberInput size="xs" label={t('form.minRequests')} description={t('form.minRequestsHint')} min={0} allowDecimal={false} {...form.getInputProps('min_requests')} />}
      <Select size="xs" label={t('form.missing')} data={(['keep', 'ok', 'alert'] as const).map((value) => ({ value, label: t(`missing.${value}`) }))} allowDeselect={false} {...form.getInputProps('missing')} />
    </SimpleGrid>
  )
}

function Times({ form }: { form: Form }) {
  const { t } = useTranslation('alerts')
  return (
    <SimpleGrid cols={{ base: 1, sm: 3 }} spacing="sm">
      <NumberInput size="xs" label={t('form.window')} min={1} allowDecimal={false} {...form.getInputProps('window_minutes')} />
      <NumberInput size="xs" label={t('form.sustained')} min={0} allowDecimal={false} {...form.getInputProps('sustained_minutes')} />
      <NumberInput size="xs" label={t('form.cooldown')} min={0} allowDecimal={false} {...form.getInputProps('cooldown_minutes')} />
    </SimpleGrid>
  )
}

function Kept({ form }: { form: Form }) {
  const { t } = useTranslation('alerts')
  const data: Record<Exclude<FilterName, 'model'>, readonly (string | { value: string; label: string })[]> = {
    platform: PLATFORMS,
    group_id: useGroupChoices(),
    account_id: useAccountChoices(),
    api_key_id: useKeyChoices(),
    objective_id: useObjectiveChoices(),
  }
  const { filters } = METRICS[form.values.metric]
  if (filters.length === 0) return null
  return (
    <Fieldset legend={t('form.filter')} p="xs">
      <SimpleGrid cols={{ base: 1, sm: 3 }} spacing="sm">
        {filters.map((name) =>
          name === 'model' ? (
            <TextInput
              key={name}
              size="xs"
              label={t('filter.model')}
              {...form.getInputProps('filter.model')}
              value={form.values.filter.model ?? ''}
              onChange={(event) => form.setFieldValue('filter.model', event.currentTarget.value.trim() || null)}
            />
          ) : (
            <Select key={name} size="xs" label={t(`filter.${name}`)} placeholder={t('everything')} data={[...data[name]]} searchable clearable {...form.getInputProps(`filter.${name}`)} />
          ),
        )}
      </SimpleGrid>
      {filters.includes('model') && <Text size="xs" mt={6}>{t('form.filterHint')}</Text>}
    </Fieldset>
  )
}

function Telling({ form }: { form: Form }) {
  const { t } = useTranslation('alerts')
  const channels = useChannelChoices()
  return (
    <>
      <SimpleGrid cols={{ base: 1, sm: 3 }} spacing="sm">
        <Select size="xs" label={t('form.severity')} data={SEVERITIES} allowDeselect={false} {...form.getInputProps('severity')} />
        <MultiSelect size="xs" label={t('form.channels')} description={t('form.channelsHint')} data={channels} searchable {...form.getInputProps('channels')} />
      </SimpleGrid>
      <Textarea size="xs" label={t('form.note')} description={t('form.noteHint')} autosize minRows={2} {...form.getInputProps('note')} />
    </>
  )
}
