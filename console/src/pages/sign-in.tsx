/** Who is there? */
import { Alert, Anchor, Button, Center, Paper, PasswordInput, Stack, TextInput, Title } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link, useRouter, useSearch } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { $api, api } from '../api/client'
import { problemOf } from '../api/problem'
import { whoAmI } from '../app/session'
import { When } from '../parts/when'

export function Page() {
  const { t } = useTranslation('people')
  const { to } = useSearch({ strict: false })
  const router = useRouter()
  const queries = useQueryClient()
  const setup = $api.useQuery('get', '/api/v1/admin/setup')
  const form = useForm({ initialValues: { name: '', password: '' } })
  const signIn = useMutation({
    mutationFn: (body: typeof form.values) => api.POST('/api/v1/admin/sign-in', { body }),
    onSuccess: async () => {
      await queries.resetQueries(whoAmI)
      router.history.push(to?.startsWith('/') && !to.startsWith('//') ? to : router.buildLocation({ to: '/' }).href)
    },
  })
  const problem = signIn.error && problemOf(signIn.error)
  return (
    <Center mih="90dvh" component="main">
      <Paper withBorder p="lg" w={360} maw="94vw">
        <form onSubmit={form.onSubmit((values) => signIn.mutate(values))}>
          <Stack gap="sm">
            <Title order={1} size="h3">
              Waybill
            </Title>
            <TextInput label={t('signIn.name')} required autoFocus autoComplete="username" {...form.getInputProps('name')} />
            <PasswordInput label={t('signIn.password')} required autoComplete="current-password" {...form.getInputProps('password')} />
            {problem && (
              <Alert color="red" role="alert">
                {problem.status === 401 ? t('signIn.wrong') : problem.detail} {problem.retryAt && <When at={problem.retryAt} />}
              </Alert>
            )}
            <Button type="submit" loading={signIn.isPending}>
              {t('signIn.submit')}
            </Button>
            {setup.data?.open && (
              <Anchor component={Link} to="/setup" size="sm">
                {t('setup.title')}
              </Anchor>
            )}
          </Stack>
        </form>
      </Paper>
    </Center>
  )
}
