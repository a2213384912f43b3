/** An account, made or changed. */
import { Accordion, Alert, Group, MultiSelect, NumberInput, Select, Stack, Switch, TagsInput, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api } from '../../api/client'
import { changed } from '../../parts/changed'
import { Fields, SaveBar, Sheet, Trouble, useSave } from '../../parts/form'
import { PLATFORMS } from '../../parts/words-of'
import { APIS, blank, FIELDS, formBody, HOSTS, mistakes, patchBody, type Values, valuesOf } from './body'
import { CredentialFields, KINDS } from './credential'
import type { Account } from './data'
import { useGroups } from './data'
import { HeaderFields, ModelMapping, ProxyFields, QuotaFields, StateRules } from './fields'

interface Props {
  /** Absent: a new one. */
  account?: Account
  onClose: () => void
  onDone?: (account: Account) => void
}

export function AccountSheet({ account, onClose, onDone }: Props) {
  const { t } = useTranslation('accounts')
  const [before] = useState(() => (account ? valuesOf(account) : blank()))
  const form = useAccountForm(before, t('needed'))
  const { save, isSaving, problem } = useSave<Values, Account>({
    form,
    fields: FIELDS,
    send: async (values) =>
      account
        ? ((await api.PATCH('/api/v1/admin/accounts/{id}', { params: { path: { id: account.id } }, body: changed(patchBody(before, values)) })).data as Account)
        : ((await api.POST('/api/v1/admin/accounts', { body: formBody(values) })).data as Account),
    onDone: (made) => {
      onClose()
      onDone?.(made)
    },
  })
  const groups = useGroups()
  const { platform } = form.values
  /** What another platform alone has does not stay behind. */
  const choose = (chosen: Values['platform']) => form.setValues({ platform: chosen, groups: [], apis: [], project: '', credential: { ...form.values.credential, kind: KINDS[chosen][0] ?? 'api_key' } })
  const choices = (groups.data ?? []).filter((group) => group.platform === platform).map(({ name }) => name)
  return (
    <Sheet opened title={account ? t('editOne', { name: account.name }) : t('create')} onClose={onClose} size="xl" isDirty={form.isDirty()}>
      <form onSubmit={form.onSubmit((values) => save(values))} noValidate>
        <Fields>
          <TextInput label={t('field.name')} required {...form.getInputProps('name')} data-autofocus />
          <Select label={t('field.platform')} description={account ? t('field.platformFixed') : undefined} disabled={Boolean(account)} data={[...PLATFORMS]} allowDeselect={false} {...form.getInputProps('platform')} onChange={(chosen) => chosen && choose(chosen as Values['platform'])} />
          <CredentialFields form={form} stored={account?.credential} />
          <MultiSelect label={t('column.groups')} description={t('field.groupsHint', { platform })} data={choices} searchable clearable {...form.getInputProps('groups')} />
          <Group grow align="start">
            <NumberInput label={t('field.concurrency')} description={t('field.concurrencyHint')} min={1} allowDecimal={false} {...form.getInputProps('concurrency')} />
            <NumberInput label={t('field.priority')} description={t('field.priorityHint')} allowDecimal={false} {...form.getInputProps('priority')} />
          </Group>
          <TagsInput label={t('field.models')} description={t('field.modelsHint')} placeholder={form.values.models.length ? '' : t('field.modelsAll')} {...form.getInputProps('models')} />
          {!account && <Switch label={t('field.disabled')} {...form.getInputProps('disabled', { type: 'checkbox' })} />}
        </Fields>
        <Advanced form={form} account={account} />
        <Stack mt="sm">
          <Trouble problem={problem} />
          {Object.keys(form.errors).length > 0 && !problem && <Alert color="red">{t('mistakes')}</Alert>}
        </Stack>
        <SaveBar saving={isSaving} onCancel={onClose} />
      </form>
    </Sheet>
  )
}

function useAccountForm(initialValues: Values, needed: string) {
  return useForm({ initialValues, validate: (values: Values) => mistakes(values, needed) })
}

export type Form = ReturnType<typeof useAccountForm>

/** Parts that are folded, and the fields that are in them. */
const PARTS = {
  address: ['base_url', 'fallback_urls', 'http_version', 'apis', 'project', 'proxy'],
  mapping: ['model_mapping'],
  quota: ['quota'],
  recovery: ['probe', 'counted_statuses', 'state_rules'],
  headers: ['headers'],
} as const
type Part = keyof typeof PARTS

function Advanced({ form, account }: { form: Form; account: Account | undefined }) {
  const { t } = useTranslation('accounts')
  const [opened, setOpened] = useState<string[]>([])
  // What is at fault is not left folded.
  const atFault = (Object.keys(PARTS) as Part[]).filter((part) => Object.keys(form.errors).some((path) => PARTS[part].some((field) => path.split('.')[0] === field)))
  const { platform, probe } = form.values
  const parts: Record<Part, React.ReactNode> = {
    address: (
      <>
        <TextInput label={t('field.base_url')} description={t('field.base_urlHint')} placeholder={HOSTS[platform]} {...form.getInputProps('base_url')} />
        <TagsInput label={t('field.fallback_urls')} description={t('field.fallback_urlsHint')} {...form.getInputProps('fallback_urls')} />
        <ProxyFields form={form} stored={account?.proxy} />
        <Select label={t('field.http_version')} data={['auto', '1.1', '2']} allowDeselect={false} {...form.getInputProps('http_version')} />
        {platform === 'openai' && <MultiSelect label={t('field.apis')} description={t('field.apisHint')} data={[...APIS]} {...form.getInputProps('apis')} />}
        {platform === 'antigravity' && <TextInput label={t('field.project')} description={t('field.projectHint')} {...form.getInputProps('project')} />}
      </>
    ),
    mapping: <ModelMapping form={form} />,
    quota: <QuotaFields form={form} />,
    recovery: (
      <>
        <Switch label={t('probe.on')} description={t('probe.hint')} {...form.getInputProps('probe.on', { type: 'checkbox' })} />
        {probe.on && (
          <Group grow align="start">
            <TextInput label={t('probe.model')} description={t('probe.modelHint')} {...form.getInputProps('probe.model')} />
            <NumberInput label={t('probe.every')} description={t('probe.everyHint')} min={1} max={86_400} suffix=" s" allowDecimal={false} {...form.getInputProps('probe.every_seconds')} />
          </Group>
        )}
        <TagsInput label={t('field.counted_statuses')} description={t('field.counted_statusesHint')} {...form.getInputProps('counted_statuses')} />
        <StateRules form={form} />
      </>
    ),
    headers: <HeaderFields form={form} stored={account?.headers ?? []} />,
  }
  return (
    <Accordion multiple variant="separated" mt="md" value={[...new Set([...opened, ...atFault])]} onChange={setOpened}>
      {(Object.keys(parts) as Part[]).map((part) => (
        <Accordion.Item key={part} value={part}>
          <Accordion.Control>{t(`part.${part}`)}</Accordion.Control>
          <Accordion.Panel>
            <Stack gap="sm">{parts[part]}</Stack>
          </Accordion.Panel>
        </Accordion.Item>
      ))}
    </Accordion>
  )
}
