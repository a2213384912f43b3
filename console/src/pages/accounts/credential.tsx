/** What an account presents to its provider. What is stored is never shown: it is kept, or replaced. */
import { Button, Group, SegmentedControl, Stack, TagsInput, Text, Textarea, TextInput } from '@mantine/core'
import { IconLock } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../api/client'
import { PasswordInput } from '../../parts/secret-input'
import type { Kind } from './body'
import type { Form } from './form'

/** The first is the one that most accounts of the platform have. */
export const KINDS: Record<Of<'Platform'>, Kind[]> = {
  anthropic: ['api_key'],
  openai: ['api_key'],
  gemini: ['api_key', 'refresh_token', 'service_account'],
  antigravity: ['refresh_token', 'service_account', 'api_key'],
}

export function CredentialFields({ form, stored }: { form: Form; stored: Of<'CredentialView'> | undefined }) {
  const { t } = useTranslation(['accounts', 'common'])
  const { platform, credential, credentialFate } = form.values
  if (credentialFate === 'keep') {
    return (
      <Group gap="xs" justify="space-between">
        <Group gap={6}>
          <IconLock size={16} aria-hidden />
          <Text size="sm">{stored?.kind ? t('credential.isSet', { kind: t(`credential.${stored.kind}`) }) : t('credential.unreadable')}</Text>
        </Group>
        <Button size="compact-sm" variant="default" onClick={() => form.setFieldValue('credentialFate', 'replace')}>
          {t('secret.replace')}
        </Button>
      </Group>
    )
  }
  const kinds = KINDS[platform]
  const { kind } = credential
  const secret = { autoComplete: 'off', 'data-1p-ignore': true }
  const fields: Record<Kind, React.ReactNode> = {
    api_key: <PasswordInput label={t('credential.api_key')} required {...secret} {...form.getInputProps('credential.api_key')} />,
    refresh_token: (
      <>
        <PasswordInput label={t('credential.refresh_token')} required {...secret} {...form.getInputProps('credential.refresh_token')} />
        <TextInput label="client_id" description={t('credential.client_id')} required {...form.getInputProps('credential.client_id')} />
        <PasswordInput label="client_secret" description={t('credential.client_secret')} {...secret} {...form.getInputProps('credential.client_secret')} />
        <TextInput label="token_url" description={t('credential.token_url')} placeholder="https://oauth2.googleapis.com/token" {...form.getInputProps('credential.token_url')} />
      </>
    ),
    service_account: (
      <>
        <Textarea label={t('credential.service_account')} description={t('credential.service_accountHint')} required autosize minRows={4} maxRows={10} {...secret} {...form.getInputProps('credential.service_account')} />
        <TagsInput label="scopes" placeholder="https://www.googleapis.com/auth/cloud-platform" {...form.getInputProps('credential.scopes')} />
      </>
    ),
  }
  return (
    <Stack gap="xs">
      {kinds.length > 1 && <SegmentedControl size="xs" aria-label={t('credential.title')} data={kinds.map((value) => ({ value, label: t(`credential.${value}`) }))} value={kind} onChange={(value) => form.setFieldValue('credential.kind', value as Kind)} />}
      {fields[kind]}
      <Group justify="space-between">
        <Text size="xs">{t('secret.never')}</Text>
        {stored && (
          <Button size="compact-xs" variant="subtle" onClick={() => form.setFieldValue('credentialFate', 'keep')}>
            {t('secret.keep')}
          </Button>
        )}
      </Group>
    </Stack>
  )
}
