/** Fields of an account that are lists, and those that are secret. */
import { Button, Fieldset, Group, NumberInput, SegmentedControl, Select, SimpleGrid, Stack, TagsInput, Text, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useJoined } from '../../parts/joined'
import { PasswordInput } from '../../parts/secret-input'
import { type Fate, newRule, type Rule } from './body'
import type { Form } from './form'

export function QuotaFields({ form }: { form: Form }) {
  const { t } = useTranslation('accounts')
  const fields = ['requests_per_minute', 'tokens_per_minute', 'requests_per_day', 'tokens_per_day'] as const
  return (
    <>
      <Text size="sm">{t('quota.hint')}</Text>
      <SimpleGrid cols={2}>
        {fields.map((field) => (
          <NumberInput key={field} label={t(`quota.${field}`)} min={1} allowDecimal={false} thousandSeparator {...form.getInputProps(`quota.${field}`)} />
        ))}
      </SimpleGrid>
    </>
  )
}

export function RemoveRow({ label, onClick }: { label: string; onClick: () => void }) {
  return (
    <Button size="compact-xs" variant="subtle" color="red" mt={6} w="fit-content" style={{ flexShrink: 0 }} onClick={onClick}>
      {label}
    </Button>
  )
}

/** Something with names of models: an account's form, or a group's. */
interface Mapped {
  values: { model_mapping: { from: string; to: string }[] }
  getInputProps: (path: string) => object
  insertListItem: (path: string, item: unknown) => void
  removeListItem: (path: string, index: number) => void
}

export function ModelMapping({ form }: { form: Mapped }) {
  const { t } = useTranslation(['accounts', 'common'])
  return (
    <>
      <Text size="sm">{t('mapping.hint')}</Text>
      {form.values.model_mapping.map((_, row) => (
        <Group key={row} align="start" gap="xs" wrap="nowrap">
          <TextInput flex={1} aria-label={`${t('mapping.from')} ${row + 1}`} placeholder={t('mapping.from')} {...form.getInputProps(`model_mapping.${row}.from`)} />
          <Text pt={6} aria-hidden>
            →
          </Text>
          <TextInput flex={1} aria-label={`${t('mapping.to')} ${row + 1}`} placeholder={t('mapping.to')} {...form.getInputProps(`model_mapping.${row}.to`)} />
          <RemoveRow label={t('common:act.delete')} onClick={() => form.removeListItem('model_mapping', row)} />
        </Group>
      ))}
      <Button size="compact-sm" variant="default" w="fit-content" onClick={() => form.insertListItem('model_mapping', { from: '', to: '' })}>
        {t('mapping.add')}
      </Button>
    </>
  )
}

interface Ruled {
  values: { state_rules: Rule[] }
  getInputProps: (path: string) => object
  insertListItem: (path: string, item: unknown) => void
  removeListItem: (path: string, index: number) => void
}

const RULE_STATES = ['paused', 'rate_limited', 'overloaded', 'error'] as const

export function StateRules({ form }: { form: Ruled }) {
  const { t } = useTranslation('accounts')
  return (
    <>
      <Text size="sm">{t('rule.hint')}</Text>
      {form.values.state_rules.map((rule, row) => {
        const at = `state_rules.${row}`
        return (
          <Fieldset key={row} legend={t('rule.title', { number: String(row + 1) })} p="xs">
            <Stack gap="xs">
              <TextInput label={t('rule.name')} required {...form.getInputProps(`${at}.name`)} />
              <TagsInput label={t('rule.statuses')} {...form.getInputProps(`${at}.statuses`)} />
              <TextInput label={t('rule.contains')} {...form.getInputProps(`${at}.contains`)} />
              <TextInput label={t('rule.cause')} placeholder="rate_limit.requests" {...form.getInputProps(`${at}.cause`)} />
              <Group grow align="start">
                <Select label={t('rule.state')} clearable placeholder={t('rule.nothing')} data={RULE_STATES.map((value) => ({ value, label: t(`state.${value}`) }))} {...form.getInputProps(`${at}.state`)} />
                {rule.state && <NumberInput label={t('rule.for')} min={1} suffix=" s" allowDecimal={false} {...form.getInputProps(`${at}.for_seconds`)} />}
                {rule.state && <Select label={t('rule.scope')} allowDeselect={false} data={[{ value: 'account', label: t('rule.scopeAccount') }, { value: 'model', label: t('rule.scopeModel') }]} {...form.getInputProps(`${at}.scope`)} />}
              </Group>
              <RemoveRow label={t('rule.remove')} onClick={() => form.removeListItem('state_rules', row)} />
            </Stack>
          </Fieldset>
        )
      })}
      <Button size="compact-sm" variant="default" w="fit-content" onClick={() => form.insertListItem('state_rules', newRule())}>
        {t('rule.add')}
      </Button>
    </>
  )
}

/** What becomes of what is stored: kept, replaced, taken away. */
function FateChoice({ fate, set, label }: { fate: Fate; set: (fate: Fate) => void; label: string }) {
  const { t } = useTranslation('accounts')
  return <SegmentedControl size="xs" aria-label={label} value={fate} onChange={(value) => set(value as Fate)} data={(['keep', 'replace', 'remove'] as const).map((value) => ({ value, label: t(`secret.${value}`) }))} />
}

export function ProxyFields({ form, stored }: { form: Form; stored: string | null | undefined }) {
  const { t } = useTranslation('accounts')
  const { proxyFate } = form.values
  const isOpen = proxyFate === 'replace' || !stored
  return (
    <Stack gap={4}>
      {stored && (
        <Group justify="space-between">
          <Text size="sm">
            {t('field.proxyIs')} <span className="mono said">{stored}</span>
          </Text>
          <FateChoice fate={proxyFate} set={(fate) => form.setFieldValue('proxyFate', fate)} label={t('field.proxy')} />
        </Group>
      )}
      {isOpen && (
        <PasswordInput
          label={t('field.proxy')}
          description={t('field.proxyHint')}
          placeholder="socks5://user:password@host:1080"
          autoComplete="off"
          {...form.getInputProps('proxy')}
          onChange={(event) => {
            form.setFieldValue('proxy', event.currentTarget.value)
            form.setFieldValue('proxyFate', event.currentTarget.value || stored ? 'replace' : 'keep')
          }}
        />
      )}
    </Stack>
  )
}

export function HeaderFields({ form, stored }: { form: Form; stored: string[] }) {
  const { t } = useTranslation(['accounts', 'common'])
  const { list } = useJoined()
  const { headersFate, headers } = form.values
  const isOpen = headersFate === 'replace' || stored.length === 0
  const add = () => {
    form.setFieldValue('headersFate', 'replace')
    form.insertListItem('headers', { name: '', value: '' })
  }
  return (
    <>
      <Text size="sm">{t('field.headersHint')}</Text>
      {form.errors.headers && (
        <Text size="sm" c="red">
          {form.errors.headers}
        </Text>
      )}
      {stored.length > 0 && (
        <Group justify="space-between">
          <span className="mono said">{list(stored)}</span>
          <FateChoice fate={headersFate} set={(fate) => form.setFieldValue('headersFate', fate)} label={t('part.headers')} />
        </Group>
      )}
      {isOpen && (
        <>
          {headers.map((_, row) => (
            <Group key={row} align="start" gap="xs" wrap="nowrap">
              <TextInput flex={1} aria-label={`${t('field.headerName')} ${row + 1}`} placeholder="x-team" {...form.getInputProps(`headers.${row}.name`)} />
              <PasswordInput flex={1} autoComplete="off" aria-label={`${t('field.headerValue')} ${row + 1}`} placeholder={t('field.headerValue')} {...form.getInputProps(`headers.${row}.value`)} />
              <RemoveRow label={t('common:act.delete')} onClick={() => form.removeListItem('headers', row)} />
            </Group>
          ))}
          <Button size="compact-sm" variant="default" w="fit-content" onClick={add}>
            {t('field.headerAdd')}
          </Button>
        </>
      )}
    </>
  )
}
