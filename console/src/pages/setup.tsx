/** The first start: the first admin is made by whoever has the setup token. */
import { Alert, Anchor, Button, Center, Paper, Stack, Text, TextInput, Title } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { $api, api } from '../api/client'
import { Trouble, useSave } from '../parts/form'
import { PasswordInput } from '../parts/secret-input'
import { Failed, Loading } from '../parts/states'
import { NewPassword, passwordMistakes } from './people/password'

export function Page() {
  const { t } = useTranslation('people')
  const setup = $api.useQuery('get', '/api/v1/admin/setup')
  return (
    <Center mih="90dvh" component="main">
      <Paper withBorder p="lg" w={440} maw="94vw">
        <Stack gap="sm">
          <Title order={1} size="h3">
            {t('setup.title')}
          </Title>
          {setup.isError ? <Failed thrown={setup.error} retry={() => void setup.refetch()} /> : !setup.data ? <Loading rows={8} /> : setup.data.open ? <First /> : <Closed />}
        </Stack>
      </Paper>
    </Center>
  )
}

function Closed() {
  const { t } = useTranslation('people')
  return (
    <>
      <Alert color="gray">{t('setup.closed')}</Alert>
      <Anchor component={Link} to="/sign-in">
        {t('signIn.title')}
      </Anchor>
    </>
  )
}

function First() {
  const { t } = useTranslation('people')
  const navigate = useNavigate()
  const queries = useQueryClient()
  const form = useForm({
    initialValues: { setup_token: '', name: '', password: '', again: '' },
    validate: (values) => passwordMistakes(values, { short: t('password.short'), different: t('password.different') }),
  })
  const { save, isSaving, problem } = useSave({
    form,
    fields: ['setup_token', 'name', 'password'],
    send: async ({ setup_token, name, password }: typeof form.values) => {
      await api.POST('/api/v1/admin/setup', { body: { setup_token: setup_token.trim(), name: name.trim(), password } })
      await api.POST('/api/v1/admin/sign-in', { body: { name: name.trim(), password } })
    },
    done: t('setup.welcome'),
    onDone: () => {
      queries.clear()
      void navigate({ to: '/' })
    },
  })
  return (
    <form onSubmit={form.onSubmit((values) => save(values))}>
      <Stack gap="sm">
        <Text size="sm">{t('setup.intro')}</Text>
        <PasswordInput label={t('setup.token')} required autoFocus autoComplete="off" {...form.getInputProps('setup_token')} />
        <TextInput label={t('setup.name')} required autoComplete="username" {...form.getInputProps('name')} />
        <NewPassword form={form} label={t('signIn.password')} />
        <Trouble problem={problem} explain={{ setup_closed: t('setup.closed'), unauthorized: t('setup.wrong'), too_many_attempts: t('setup.later') }} />
        {problem?.code === 'setup_closed' && (
          <Anchor component={Link} to="/sign-in" size="sm">
            {t('signIn.title')}
          </Anchor>
        )}
        <Button type="submit" loading={isSaving}>
          {t('setup.submit')}
        </Button>
      </Stack>
    </form>
  )
}
