/** One rule in fields. It goes into the list, and is in force when that is applied. */
import { Button, Fieldset, Group, Select, SimpleGrid, Stack, Switch, TagsInput, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useTranslation } from 'react-i18next'
import { type Choice, useAccountChoices, useGroupChoices, useKeyChoices, useUserChoices } from '../../parts/choices'
import { useUnsaved } from '../../parts/unsaved'
import { CAUSES, OWNERS, PHASES, PLATFORMS, SEVERITIES, TYPES } from '../../parts/words-of'
import { pairs, type Rule, ruleOf, THEN, type Values, valuesOf, WHEN } from './rule'

const ENDPOINTS = ['messages', 'count_tokens', 'chat_completions', 'responses', 'embeddings', 'generate_content', 'stream_generate_content', 'gemini_count_tokens', 'embed_content', 'models']
const TEXTS: readonly string[] = ['model', 'message_contains']
const LISTS: readonly string[] = ['status_codes', 'upstream_status_codes']

/** The choices of each field; a field of none is text. */
function useChoices(): Record<string, readonly (string | Choice)[]> {
  const { t } = useTranslation('common')
  const truth = [
    { value: 'true', label: t('yes') },
    { value: 'false', label: t('no') },
  ]
  return {
    platform: PLATFORMS,
    endpoint: ENDPOINTS,
    phase: PHASES,
    cause: CAUSES,
    type: TYPES,
    account_id: useAccountChoices(),
    group_id: useGroupChoices(),
    api_key_id: useKeyChoices(),
    user_id: useUserChoices(),
    stream: truth,
    error_owner: OWNERS.map((value) => ({ value, label: t(`owner.${value}`) })),
    severity: SEVERITIES,
    is_retryable: truth,
    counts: truth,
  }
}

export function RuleForm({ rule, take }: { rule: Rule | undefined; take: (rule: Rule) => void }) {
  const { t } = useTranslation('rules')
  const choices = useChoices()
  const form = useForm<Values>({
    initialValues: valuesOf(rule),
    validate: {
      name: (name) => (name.trim() ? null : t('needName')),
      when: (_when, values) => (pairs(ruleOf(values, undefined).when).length > 0 ? null : t('needWhen')),
      then: (_then, values) => (pairs(ruleOf(values, undefined).then).length > 0 ? null : t('needThen')),
    },
  })
  useUnsaved(form.isDirty())
  const choice = (part: 'when' | 'then', name: string, empty: string) => {
    const props = form.getInputProps(`${part}.${name}`)
    return (
      <Select key={name} size="xs" label={t(`field.${name as 'cause'}`)} placeholder={empty} data={[...(choices[name] ?? [])]} searchable clearable {...props} value={props.value || null} onChange={(value) => props.onChange(value ?? '')} error={undefined} />
    )
  }
  return (
    <form onSubmit={form.onSubmit((values) => take(ruleOf(values, rule?.id)))}>
      <Stack gap="sm">
        <TextInput size="xs" label={t('name')} maxLength={100} {...form.getInputProps('name')} />
        <TextInput size="xs" label={t('note')} {...form.getInputProps('note')} />
        <Switch size="xs" label={t('enabled')} {...form.getInputProps('enabled', { type: 'checkbox' })} />
        <Fieldset legend={t('when')} p="xs">
          <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
            {WHEN.map((name) => {
              if (LISTS.includes(name)) return <TagsInput key={name} size="xs" label={t(`field.${name}`)} placeholder={t('enter')} splitChars={[',', ' ']} acceptValueOnBlur {...form.getInputProps(`when.${name}`)} />
              if (TEXTS.includes(name)) return <TextInput key={name} size="xs" label={t(`field.${name}`)} placeholder={name === 'model' ? t('modelHint') : t('anything')} {...form.getInputProps(`when.${name}`)} />
              return choice('when', name, t('anything'))
            })}
          </SimpleGrid>
          <Wrong text={form.errors.when} />
        </Fieldset>
        <Fieldset legend={t('then')} p="xs">
          <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
            {THEN.map((name) => choice('then', name, t('stays')))}
          </SimpleGrid>
          <Wrong text={form.errors.then} />
        </Fieldset>
        <Group justify="end">
          <Button size="xs" type="submit">
            {t('done')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function Wrong({ text }: { text: React.ReactNode }) {
  if (!text) return null
  return (
    <Text size="xs" c="var(--mantine-color-error)" role="alert" mt={6}>
      {text}
    </Text>
  )
}
