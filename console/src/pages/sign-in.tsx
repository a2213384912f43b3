/** Who is there? A name and a password; the code of a second factor where the API asks for it. */
import { Alert, Anchor, Button, Center, Paper, Stack, Text, TextInput, Title } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link, useRouter, useSearch } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { $api, api } from '../api/client'
import { type Problem, problemOf } from '../api/problem'
import { onward } from '../app/onward'
import { whoAmI } from '../app/session'
import { Countdown } from '../parts/countdown'
import { PasswordInput } from '../parts/secret-input'
import { CodeInput } from './people/code'

/** The password is right: what is missing, or was wrong, is the code. */
const OF_CODES = new Set(['totp_required', 'totp_wrong', 'totp_locked'])

export function Page() {
  const { t } = useTranslation('people')
  const { to, because } = useSearch({ strict: false })
  const router = useRouter()
  const queries = useQueryClient()
  const setup = $api.useQuery('get', '/api/v1/admin/setup')
  const form = useForm({ initialValues: { name: '', password: '', code: '' } })
  const [asksCode, setAsksCode] = useState(false)
  useEffect(() => {
    document.title = `${t('signIn.title')} · Waybill`
  }, [t])
  const signIn = useMutation({
    mutationFn: ({ name, password, code }: typeof form.values) => api.POST('/api/v1/admin/sign-in', { body: { name, password, ...(asksCode ? { code } : {}) } }),
    onSuccess: async () => {
      await queries.resetQueries(whoAmI)
      router.history.push(onward(to))
    },
    onError: (thrown) => {
      const { code, status } = problemOf(thrown)
      form.setFieldValue('code', '')
      if (OF_CODES.has(code)) return setAsksCode(true)
      if (status !== 401) return
      setAsksCode(false)
      form.setFieldValue('password', '')
    },
  })
  const problem = signIn.error ? problemOf(signIn.error) : undefined
  return (
    <Center mih="90dvh" component="main">
      <Paper withBorder p="lg" w={360} maw="94vw">
        <form onSubmit={form.onSubmit((values) => signIn.mutate(values))}>
          <Stack gap="sm">
            <Title order={1} size="h3">
              Waybill
            </Title>
            {because === 'password' && !signIn.error && <Alert color="teal">{t('signIn.changed')}</Alert>}
            {because === 'ended' && !signIn.error && <Alert color="blue">{t('signIn.ended')}</Alert>}
            {setup.data?.open && (
              <Alert color="blue" title={t('setup.title')}>
                {t('signIn.nobodyYet')}{' '}
                <Anchor component={Link} to="/setup" inherit>
                  {t('setup.submit')}
                </Anchor>
              </Alert>
            )}
            <TextInput label={t('signIn.name')} required autoFocus autoComplete="username" {...form.getInputProps('name')} />
            <PasswordInput label={t('signIn.password')} required autoComplete="current-password" {...form.getInputProps('password')} />
            {asksCode && <CodeInput label={t('totp.code')} description={t('totp.codeHint')} autoFocus {...form.getInputProps('code')} />}
            {problem && problem.code !== 'totp_required' && <Refused problem={problem} />}
            <Button type="submit" loading={signIn.isPending}>
              {t('signIn.submit')}
            </Button>
          </Stack>
        </form>
      </Paper>
    </Center>
  )
}

function Refused({ problem: { status, code, detail, retryAt } }: { problem: Problem }) {
  const { t } = useTranslation(['people', 'common'])
  const told: Record<string, string> = {
    unreachable: t('common:state.unreachable'),
    too_many_attempts: t('signIn.later'),
    totp_wrong: t('totp.wrong'),
    totp_locked: t('totp.locked'),
  }
  const said = told[code] ?? (status === 401 ? t('signIn.wrong') : detail)
  return (
    <Alert color="red" role="alert">
      <Text size="sm" className="said">
        {said} {retryAt && <Countdown until={retryAt} />}
      </Text>
    </Alert>
  )
}
