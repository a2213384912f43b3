/** Who one is here: role, password, second factor, sessions, and one's own tokens. */
import { Alert, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { api } from '../api/client'
import { useMe } from '../app/session'
import { ConfirmButton } from '../parts/confirm'
import { Fields, SaveBar, Trouble, useSave } from '../parts/form'
import { Head } from '../parts/head'
import { useJoined } from '../parts/joined'
import { PasswordInput } from '../parts/secret-input'
import { When } from '../parts/when'
import { NewPassword, passwordMistakes } from './people/password'
import { SecondFactor } from './people/second-factor'
import { Tokens } from './people/tokens'

export function Page() {
  const { t } = useTranslation('people')
  const { list } = useJoined()
  const me = useMe()
  return (
    <>
      <Head title={t('me.title')} />
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <Part title={t('me.who')}>
          <Text className="said">
            <strong>{me.name}</strong> · {t(`role.${me.role}`)}
          </Text>
          <Text size="sm">{t(`roleMay.${me.role}`)}</Text>
          {me.scopes.length > 0 && <Text size="sm">{t('me.scopes', { scopes: list(me.scopes) })}</Text>}
          {me.expires_at && (
            <Text size="sm">
              {t('me.session')} <When at={me.expires_at} as="both" />
            </Text>
          )}
          <EverywhereOut />
        </Part>
        <Part title={t('me.password')}>{me.id ? <Password /> : <Alert color="gray">{t('me.nobody')}</Alert>}</Part>
      </SimpleGrid>
      {me.id && (
        <>
          <Part title={t('totp.title')} mt="md">
            <SecondFactor />
          </Part>
          <Part title={t('tokens.title')} mt="md">
            <Tokens owner={{ id: me.id, name: me.name, role: me.role }} />
          </Part>
        </>
      )}
    </>
  )
}

function Part({ title, mt, children }: { title: string; mt?: string; children: ReactNode }) {
  return (
    <Paper withBorder p="sm" component="section" {...(mt ? { mt } : {})}>
      <Stack gap="xs">
        <Title order={2} size="h5">
          {title}
        </Title>
        {children}
      </Stack>
    </Paper>
  )
}

/** Nothing of the session that was is kept in the page. */
function useGone() {
  const queries = useQueryClient()
  const navigate = useNavigate()
  return (because?: string) => {
    queries.clear()
    void navigate({ to: '/sign-in', search: because ? ({ because } as never) : {} })
  }
}

function EverywhereOut() {
  const { t } = useTranslation('people')
  const gone = useGone()
  return (
    <div>
      <ConfirmButton size="xs" label={t('me.everywhere')} title={t('me.everywhereSure')} act={() => api.POST('/api/v1/admin/sign-out-everywhere')} onDone={() => gone()}>
        {t('me.everywhereWhat')}
      </ConfirmButton>
    </div>
  )
}

function Password() {
  const { t } = useTranslation('people')
  const gone = useGone()
  const form = useForm({
    initialValues: { old_password: '', password: '', again: '' },
    validate: (values) => passwordMistakes(values, { short: t('password.short'), different: t('password.different') }),
  })
  const { save, isSaving, problem } = useSave({
    form: { setFieldError: (path, error) => form.setFieldError(path === 'new_password' ? 'password' : path, error) },
    fields: ['old_password', 'new_password'],
    send: ({ old_password, password }: typeof form.values) => api.PUT('/api/v1/admin/me/password', { body: { old_password, new_password: password } }),
    done: t('me.changed'),
    onDone: () => gone('password'),
  })
  return (
    <form onSubmit={form.onSubmit((values) => save(values))}>
      <Fields>
        <PasswordInput label={t('me.oldPassword')} required autoComplete="current-password" {...form.getInputProps('old_password')} />
        <NewPassword form={form} label={t('me.newPassword')} />
        <Text size="sm">{t('me.passwordEnds')}</Text>
        <Trouble problem={problem} />
      </Fields>
      <SaveBar saving={isSaving} label={t('me.change')} />
    </form>
  )
}
