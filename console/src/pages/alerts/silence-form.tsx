/** Keeps events from being told, for a time. */
import { Alert, Button, Group, Select, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Of } from '../../api/client'
import { useAccountChoices, useGroupChoices } from '../../parts/choices'
import { toFields } from '../../parts/fields'
import { unlessNewer } from '../../parts/meanwhile'
import { isoOf, localInput } from '../../parts/moment'
import { tellDone } from '../../parts/told'
import { useUnsaved } from '../../parts/unsaved'
import { local } from '../../parts/when'
import { PLATFORMS } from '../../parts/words-of'
import { readSilence, useAgain, useRules } from './asking'
import type { Silence } from './kinds'

const FIELDS = ['rule_id', 'platform', 'group_id', 'account_id', 'until', 'note']
const SPANS = { '1h': 1, '4h': 4, '24h': 24 } as const

export function SilenceForm({ silence, close }: { silence: Silence | undefined; close: () => void }) {
  const { t, i18n } = useTranslation(['alerts', 'common'])
  const again = useAgain()
  const { rules } = useRules()
  const [groups, accounts] = [useGroupChoices(), useAccountChoices()]
  const text = (id: number | null | undefined) => (id === null || id === undefined ? null : String(id))
  const form = useForm({
    initialValues: {
      rule_id: text(silence?.rule_id),
      platform: (silence?.platform ?? null) as Of<'Platform'> | null,
      group_id: text(silence?.group_id),
      account_id: text(silence?.account_id),
      until: localInput(silence?.until ?? Date.now() + 3_600_000),
      note: silence?.note ?? '',
    },
    validate: { until: (until) => (isoOf(until) ? null : t('silence.needUntil')) },
  })
  useUnsaved(form.isDirty())
  // One click must not silence everything: what was not chosen is asked about once.
  const [asksAll, setAsksAll] = useState(false)
  const { rule_id, platform, group_id, account_id } = form.values
  const isAll = [rule_id, platform, group_id, account_id].every((chosen) => !chosen)
  const submit = form.onSubmit(async (values) => {
    if (isAll && !asksAll) return setAsksAll(true)
    const number = (id: string | null) => (id ? Number(id) : null)
    const body = { ...values, rule_id: number(values.rule_id), group_id: number(values.group_id), account_id: number(values.account_id), until: isoOf(values.until) ?? '' }
    const sent = silence ? unlessNewer(silence, readSilence(silence.id)).then(() => api.PUT('/api/v1/admin/ops/alert-silences/{id}', { params: { path: { id: silence.id } }, body })) : api.POST('/api/v1/admin/ops/alert-silences', { body })
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
  const until = isoOf(form.values.until)
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Text size="sm">{t('silence.hint')}</Text>
        <Select size="xs" label={t('silence.rule')} placeholder={t('everything')} data={rules?.map(({ id, name }) => ({ value: String(id), label: name })) ?? []} searchable clearable {...form.getInputProps('rule_id')} />
        <Select size="xs" label={t('filter.platform')} placeholder={t('everything')} data={PLATFORMS} clearable {...form.getInputProps('platform')} />
        <Select size="xs" label={t('filter.group_id')} placeholder={t('everything')} data={groups} searchable clearable {...form.getInputProps('group_id')} />
        <Select size="xs" label={t('filter.account_id')} placeholder={t('everything')} data={accounts} searchable clearable {...form.getInputProps('account_id')} />
        <TextInput size="xs" type="datetime-local" label={t('silence.until')} {...form.getInputProps('until')} />
        <Group gap={4}>
          {(Object.keys(SPANS) as (keyof typeof SPANS)[]).map((span) => (
            <Button key={span} size="compact-xs" variant="default" onClick={() => form.setFieldValue('until', localInput(Date.now() + SPANS[span] * 3_600_000))}>
              {t(`span.${span}`)}
            </Button>
          ))}
        </Group>
        <Textarea size="xs" label={t('silence.note')} autosize minRows={2} {...form.getInputProps('note')} />
        {isAll && asksAll && (
          <Alert color="red" role="alert" title={t('silence.all')}>
            {t('silence.allWhat', { until: until ? local(Date.parse(until), i18n.language) : '–' })}
          </Alert>
        )}
        <Group justify="end">
          <Button size="xs" type="submit" color={isAll && asksAll ? 'red' : undefined} loading={form.submitting}>
            {isAll && asksAll ? t('silence.allDo') : t(silence ? 'common:act.save' : 'common:act.create')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
