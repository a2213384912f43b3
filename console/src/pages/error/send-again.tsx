/** Sends a failed request again: through routing, or to one account; and says what came, or why it was not sent. */
import { Button, Group, Loader, Select, SegmentedControl, Stack, Text } from '@mantine/core'
import { IconSend } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { $api, api, type Of } from '../../api/client'
import { problemOf } from '../../api/problem'
import { useMay } from '../../app/session'
import { Notice } from '../../parts/notice'
import { duration } from '../../parts/number'
import { Failed } from '../../parts/states'
import { When } from '../../parts/when'
import { Comparison } from './comparison'
import { isRefusal } from './words'

type Way = 'client' | 'upstream'

interface Props {
  error: Of<'ErrorLogDetail'>
  /** Its attempt alone is sent again: to one account, and not through routing. */
  attempt?: Of<'UpstreamErrorEvent'>
}

export function SendAgain({ error, attempt }: Props) {
  const { t } = useTranslation('errors')
  const may = useMay('operator')
  const [way, setWay] = useState<Way>(attempt ? 'upstream' : 'client')
  const [account, setAccount] = useState<string | null>(() => text(attempt?.account_id ?? error.account_id))
  const run = useRun(error, attempt)
  const unreplayable = error.unreplayable
  if (!may) return <Text size="sm">{t('again.mayNot')}</Text>
  if (!error.replayable) {
    return (
      <Notice color="gray" title={t('again.cannot')}>
        <Text size="sm">{t(`again.refused.${unreplayable ?? 'not_replayable'}`)}</Text>
      </Notice>
    )
  }
  return (
    <Stack gap="sm">
      <Group align="end" gap="sm">
        {!attempt && (
          <SegmentedControl
            size="xs"
            aria-label={t('again.way')}
            data={[
              { value: 'client', label: t('again.client') },
              { value: 'upstream', label: t('again.upstream') },
            ]}
            value={way}
            onChange={(value) => setWay(value as Way)}
          />
        )}
        {way === 'upstream' && <Account platform={attempt?.platform ?? error.platform} value={account} onChange={setAccount} />}
        <Button size="xs" leftSection={<IconSend size={14} aria-hidden />} loading={run.isPending} disabled={way === 'upstream' && !account} onClick={() => run.mutate({ way, account: account === null ? undefined : Number(account) })}>
          {t('again.send')}
        </Button>
      </Group>
      <Text size="xs">{t(way === 'client' ? 'again.clientMeans' : 'again.upstreamMeans')}</Text>
      {run.isPending && <Running />}
      {run.isError && <Refused thrown={run.error} />}
      {run.data && <Comparison before={error} after={run.data} />}
    </Stack>
  )
}

function text(id: number | null | undefined): string | null {
  return id === null || id === undefined ? null : String(id)
}

/** Sends it, and reads what is on record of it then: its verdict, and the error it may have become. */
function useRun(error: Of<'ErrorLogDetail'>, attempt: Of<'UpstreamErrorEvent'> | undefined) {
  const queries = useQueryClient()
  const id = String(error.id)
  return useMutation({
    mutationFn: async ({ way, account }: { way: Way; account: number | undefined }): Promise<Of<'RetryAttempt'> | undefined> => {
      const sent = attempt
        ? await api.POST('/api/v1/admin/ops/upstream-errors/{id}/retry', { params: { path: { id: attempt.id } }, body: { pinned_account_id: account } })
        : await api.POST('/api/v1/admin/ops/errors/{id}/retry', { params: { path: { id } }, body: way === 'client' ? { mode: way } : { mode: way, pinned_account_id: account } })
      if (!sent.data) return undefined
      return (await api.GET('/api/v1/admin/ops/retries/{id}', { params: { path: { id: sent.data.attempt_id } } })).data
    },
    onSettled: async () => {
      await queries.invalidateQueries({ queryKey: ['retries', id] })
    },
  })
}

/** How long it takes so far. */
function Running() {
  const { t } = useTranslation('errors')
  const [began] = useState(() => Date.now())
  const [now, setNow] = useState(began)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500)
    return () => clearInterval(timer)
  }, [])
  return (
    <Group gap="xs" role="status">
      <Loader size="xs" />
      <Text size="sm">{t('again.running', { time: duration(now - began) })}</Text>
    </Group>
  )
}

/** Why it was not sent, and what to do then. */
function Refused({ thrown }: { thrown: unknown }) {
  const { t } = useTranslation('errors')
  const { code, detail, retryAt } = problemOf(thrown)
  if (!isRefusal(code)) return <Failed thrown={thrown} />
  return (
    <Notice color="orange" title={t('again.notSent')} role="alert">
      <Text size="sm" className="said">
        {t(`again.refused.${code}`)} {retryAt && t('again.retryAt')} {retryAt && <When at={retryAt} as="both" />}
      </Text>
      <Text size="xs" className="said">
        {detail} <span className="mono">({code})</span>
      </Text>
    </Notice>
  )
}

/** The accounts, each with how it stands now; those of the request's own platform first. */
function Account({ platform, value, onChange }: { platform: Of<'Platform'>; value: string | null; onChange: (id: string | null) => void }) {
  const { t } = useTranslation(['errors', 'accounts'])
  const { data } = $api.useQuery('get', '/api/v1/admin/accounts', { params: { query: { page_size: 500 } } }, { staleTime: 2_000 })
  const option = ({ id, name, state }: Of<'AccountView'>) => ({ value: String(id), label: `${name} · ${t(`accounts:state.${state.status}`)}` })
  const accounts = data?.items ?? []
  const groups = [
    { group: platform, items: accounts.filter((one) => one.platform === platform).map(option) },
    { group: t('again.otherPlatforms'), items: accounts.filter((one) => one.platform !== platform).map(option) },
  ]
  const chosen = accounts.find(({ id }) => String(id) === value)
  return (
    <Stack gap={2}>
      <Select size="xs" w={{ base: '100%', xs: 320 }} label={t('again.account')} data={groups.filter(({ items }) => items.length > 0)} value={value} onChange={onChange} searchable nothingFoundMessage={t('filters.noName')} placeholder={t('filters.choose')} />
      {chosen?.state.until && (
        <Text size="xs">
          {t(`accounts:state.${chosen.state.status}`)} → <When at={chosen.state.until} as="both" />
        </Text>
      )}
    </Stack>
  )
}
