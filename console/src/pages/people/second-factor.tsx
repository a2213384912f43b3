/** One's second factor: a code of an authenticator app, asked for after the password. */
import { Alert, Button, Code, Group, Stack, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Of } from '../../api/client'
import { useMe } from '../../app/session'
import { Copy } from '../../parts/copy'
import { Fields, SaveBar, Sheet, Trouble, useSave } from '../../parts/form'
import { PasswordInput } from '../../parts/secret-input'
import { CodeInput } from './code'
import { Qr } from './qr'
import { TotpBadge } from './totp-badge'

export function SecondFactor() {
  const { t } = useTranslation('people')
  const { totp } = useMe()
  const [opened, setOpened] = useState<'on' | 'off'>()
  const close = () => setOpened(undefined)
  return (
    <Stack gap="xs" align="flex-start">
      <TotpBadge isOn={totp} />
      <Text size="sm">{totp ? t('totp.isOn') : t('totp.isOff')}</Text>
      {totp && <Text size="sm">{t('totp.lost')}</Text>}
      <Button size="xs" variant={totp ? 'light' : 'filled'} color={totp ? 'red' : undefined} onClick={() => setOpened(totp ? 'off' : 'on')}>
        {totp ? t('totp.turnOff') : t('totp.turnOn')}
      </Button>
      {opened === 'on' && <TurnOn onClose={close} />}
      {opened === 'off' && <TurnOff onClose={close} />}
    </Stack>
  )
}

function useExplained(): Record<string, string> {
  const { t } = useTranslation('people')
  return { unauthorized: t('totp.wrongPassword'), totp_wrong: t('totp.wrong'), totp_locked: t('totp.locked'), too_many_attempts: t('setup.later') }
}

function TurnOn({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation('people')
  const [begun, setBegun] = useState<Of<'TotpBegun'>>()
  return (
    <Sheet opened title={t('totp.title')} onClose={onClose} size="md">
      {begun ? <Confirm begun={begun} onClose={onClose} /> : <Begin onBegun={setBegun} onClose={onClose} />}
    </Sheet>
  )
}

function Begin({ onBegun, onClose }: { onBegun: (begun: Of<'TotpBegun'> | undefined) => void; onClose: () => void }) {
  const { t } = useTranslation('people')
  const form = useForm({ initialValues: { password: '' } })
  const { save, isSaving, problem } = useSave({
    form,
    fields: ['password'],
    send: async (body: typeof form.values) => (await api.POST('/api/v1/admin/me/totp', { body })).data,
    done: null,
    onDone: onBegun,
  })
  const explain = useExplained()
  return (
    <form onSubmit={form.onSubmit((values) => save(values))}>
      <Fields>
        <Text size="sm">{t('totp.what')}</Text>
        <PasswordInput label={t('me.oldPassword')} required autoComplete="current-password" data-autofocus {...form.getInputProps('password')} />
        <Trouble problem={problem} explain={explain} />
      </Fields>
      <SaveBar saving={isSaving} label={t('totp.next')} onCancel={onClose} />
    </form>
  )
}

function Confirm({ begun: { secret, uri }, onClose }: { begun: Of<'TotpBegun'>; onClose: () => void }) {
  const { t } = useTranslation('people')
  const form = useForm({ initialValues: { code: '' } })
  const { save, isSaving, problem } = useSave({
    form,
    fields: ['code'],
    send: (body: typeof form.values) => api.PUT('/api/v1/admin/me/totp', { body }),
    done: t('totp.turnedOn'),
    onDone: onClose,
  })
  const explain = useExplained()
  return (
    <form onSubmit={form.onSubmit((values) => save(values))}>
      <Fields>
        <Text size="sm">{t('totp.scan')}</Text>
        <Qr text={uri} label={t('totp.qr')} />
        <div>
          <Text size="sm">{t('totp.type')}</Text>
          <Group gap="xs">
            <Code className="said" data-secret>
              {spaced(secret)}
            </Code>
            <Copy text={secret} of={t('totp.secret')} />
          </Group>
        </div>
        <CodeInput label={t('totp.code')} description={t('totp.codeHint')} data-autofocus {...form.getInputProps('code')} />
        <Text size="sm">{t('totp.endsOthers')}</Text>
        <Trouble problem={problem} explain={explain} />
      </Fields>
      <SaveBar saving={isSaving} label={t('totp.confirm')} onCancel={onClose} />
    </form>
  )
}

function TurnOff({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation('people')
  const form = useForm({ initialValues: { password: '', code: '' } })
  const { save, isSaving, problem } = useSave({
    form,
    fields: ['password', 'code'],
    send: (body: typeof form.values) => api.POST('/api/v1/admin/me/totp/disable', { body }),
    done: t('totp.turnedOff'),
    onDone: onClose,
  })
  const explain = useExplained()
  return (
    <Sheet opened title={t('totp.title')} onClose={onClose} size="md">
      <form onSubmit={form.onSubmit((values) => save(values))}>
        <Fields>
          <Alert color="gray">{t('totp.offMeans')}</Alert>
          <PasswordInput label={t('me.oldPassword')} required autoComplete="current-password" data-autofocus {...form.getInputProps('password')} />
          <CodeInput label={t('totp.code')} {...form.getInputProps('code')} />
          <Trouble problem={problem} explain={explain} />
        </Fields>
        <SaveBar saving={isSaving} label={t('totp.turnOff')} onCancel={onClose} />
      </form>
    </Sheet>
  )
}

/** In groups of four, as it is easiest to type. */
function spaced(secret: string): string {
  return secret.replaceAll(/(.{4})(?=.)/g, '$1 ')
}
