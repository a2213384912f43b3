/** Makes a channel, or changes one. Secrets are taken and never shown: of one that is there only that it is. */
import { Button, Checkbox, Group, NumberInput, Select, SimpleGrid, Stack, Switch, TagsInput, TextInput } from '@mantine/core'
import { useForm, type UseFormReturnType } from '@mantine/form'
import { useTranslation } from 'react-i18next'
import { api } from '../../api/client'
import { toFields } from '../../parts/fields'
import { unlessNewer } from '../../parts/meanwhile'
import { PasswordInput } from '../../parts/secret-input'
import { tellDone } from '../../parts/told'
import { useUnsaved } from '../../parts/unsaved'
import { SEVERITIES } from '../../parts/words-of'
import { useAgain } from './asking'
import { type Channel, FIELDS, formOf, type Kind, KINDS, type Values, valuesOf } from './channel'

type Form = UseFormReturnType<Values>

export function ChannelForm({ channel, close }: { channel: Channel | undefined; close: () => void }) {
  const { t } = useTranslation(['watch', 'common'])
  const again = useAgain()
  const isNew = !channel
  const form: Form = useForm<Values>({
    initialValues: valuesOf(channel),
    validate: {
      name: (name) => (name.trim() ? null : t('notifications.needName')),
      url: (url, { kind }) => (isNew && KINDS[kind].url === 'needed' && !url ? t('notifications.needUrl') : null),
      routing_key: (key, { kind }) => (isNew && KINDS[kind].hasKey && !key ? t('notifications.needKey') : null),
    },
  })
  useUnsaved(form.isDirty())
  const submit = form.onSubmit(async (values) => {
    const body = formOf(values, isNew)
    const sent = channel ? unlessNewer(channel, async () => (await api.GET('/api/v1/admin/ops/notification-channels/{id}', { params: { path: { id: channel.id } } })).data).then(() => api.PATCH('/api/v1/admin/ops/notification-channels/{id}', { params: { path: { id: channel.id } }, body })) : api.POST('/api/v1/admin/ops/notification-channels', { body })
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
    <form onSubmit={submit} autoComplete="off">
      <Stack gap="sm">
        <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
          <Select
            size="xs"
            label={t('notifications.channelKind')}
            description={isNew ? t('notifications.kindHint') : undefined}
            data={(Object.keys(KINDS) as Kind[]).map((value) => ({ value, label: t(`notifications.channel.${value}`) }))}
            allowDeselect={false}
            disabled={!isNew}
            {...form.getInputProps('kind')}
          />
          <TextInput size="xs" label={t('notifications.name')} maxLength={128} inputWrapperOrder={['label', 'input', 'description', 'error']} {...form.getInputProps('name')} />
        </SimpleGrid>
        <Switch size="xs" label={t('notifications.enabled')} {...form.getInputProps('enabled', { type: 'checkbox' })} />
        <Secrets form={form} channel={channel} />
        {KINDS[form.values.kind].isMail && <Mail form={form} channel={channel} />}
        <Manners form={form} />
        <Group justify="end">
          <Button size="xs" variant="default" onClick={close}>
            {t('common:act.cancel')}
          </Button>
          <Button size="xs" type="submit" loading={form.submitting}>
            {t(isNew ? 'common:act.create' : 'common:act.save')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function Secrets({ form, channel }: { form: Form; channel: Channel | undefined }) {
  const { t } = useTranslation('watch')
  const { url, signs, hasKey } = KINDS[form.values.kind]
  const kept = channel && t('notifications.kept')
  return (
    <>
      {url !== 'none' && (
        <PasswordInput
          size="xs"
          label={t('notifications.url')}
          description={kept ?? (url === 'optional' ? t('notifications.urlDefault') : t('notifications.urlHint'))}
          placeholder={channel?.host ?? undefined}
          autoComplete="new-password"
          {...form.getInputProps('url')}
        />
      )}
      {url === 'optional' && channel?.host && <Checkbox size="xs" label={t('notifications.plain')} description={t('notifications.plainHint')} {...form.getInputProps('plain', { type: 'checkbox' })} />}
      {signs && (
        <PasswordInput
          size="xs"
          label={t('notifications.signingSecret')}
          description={channel?.has_signing_secret ? kept : t('notifications.notSet')}
          autoComplete="new-password"
          {...form.getInputProps('signing_secret')}
        />
      )}
      {signs && channel?.has_signing_secret && <Checkbox size="xs" label={t('notifications.unsign')} {...form.getInputProps('unsign', { type: 'checkbox' })} />}
      {hasKey && <PasswordInput size="xs" label={t('notifications.routingKey')} description={kept} autoComplete="new-password" {...form.getInputProps('routing_key')} />}
    </>
  )
}

function Mail({ form, channel }: { form: Form; channel: Channel | undefined }) {
  const { t } = useTranslation('watch')
  const password = channel?.has_password ? `${t('notifications.kept')} ${t('notifications.passwordAgain')} ${t('notifications.passwordGone')}` : t('notifications.notSet')
  return (
    <>
      <TagsInput size="xs" label={t('notifications.to')} description={t('notifications.toHint')} splitChars={[',', ' ', ';']} acceptValueOnBlur {...form.getInputProps('email.to')} />
      <TextInput size="xs" label={t('notifications.from')} placeholder="Waybill <waybill@example.com>" {...form.getInputProps('email.from')} />
      <SimpleGrid cols={{ base: 1, sm: 3 }} spacing="sm">
        <TextInput size="xs" label={t('notifications.host')} {...form.getInputProps('email.host')} />
        <NumberInput size="xs" label={t('notifications.port')} placeholder={t('notifications.portHint')} min={1} max={65_535} allowDecimal={false} hideControls {...form.getInputProps('email.port')} />
        <Select size="xs" label={t('notifications.security')} data={['starttls', 'tls', 'none']} allowDeselect={false} {...form.getInputProps('email.security')} />
      </SimpleGrid>
      <TextInput size="xs" label={t('notifications.username')} autoComplete="off" {...form.getInputProps('email.username')} />
      <PasswordInput size="xs" label={t('notifications.password')} description={password} autoComplete="new-password" {...form.getInputProps('email.password')} />
    </>
  )
}

function Manners({ form }: { form: Form }) {
  const { t } = useTranslation('watch')
  const { groups } = KINDS[form.values.kind]
  return (
    <>
      <Select size="xs" label={t('notifications.minSeverity')} data={SEVERITIES} allowDeselect={false} {...form.getInputProps('min_severity')} />
      {groups && (
        <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
          <NumberInput size="xs" label={t('notifications.groupSeconds')} description={t('notifications.groupHint')} min={0} allowDecimal={false} {...form.getInputProps('group_seconds')} />
          <NumberInput size="xs" label={t('notifications.maxPerHour')} description={t('notifications.maxHint')} min={1} allowDecimal={false} {...form.getInputProps('max_per_hour')} />
        </SimpleGrid>
      )}
      <Switch size="xs" label={t('notifications.sendResolved')} {...form.getInputProps('send_resolved', { type: 'checkbox' })} />
    </>
  )
}
