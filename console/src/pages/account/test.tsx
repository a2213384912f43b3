/** Asks an account now, and says what came of it. */
import { Alert, Autocomplete, Button, Group, Modal, Stack, Text } from '@mantine/core'
import { IconCircleCheck, IconCircleX } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Of } from '../../api/client'
import { problemOf } from '../../api/problem'
import { StateBadge } from '../../parts/account-state'
import { Cause } from '../../parts/badges'
import { Id } from '../../parts/copy'
import { Trouble } from '../../parts/form'
import { duration } from '../../parts/number'
import type { Account } from '../accounts/data'

export function TestModal({ account, onClose }: { account: Account; onClose: () => void }) {
  const { t } = useTranslation(['accounts', 'common'])
  const [model, setModel] = useState('')
  const queries = useQueryClient()
  const test = useMutation({
    mutationFn: async () => (await api.POST('/api/v1/admin/accounts/{id}/test', { params: { path: { id: account.id } }, body: (model ? { model } : {}) as never })).data as Of<'TestResult'>,
    onSettled: () => queries.invalidateQueries(),
  })
  const known = [...new Set([account.probe?.model, ...account.models.filter((name) => !name.endsWith('*')), ...account.model_mapping.map(({ to }) => to)].filter((name): name is string => Boolean(name)))]
  return (
    <Modal opened onClose={onClose} title={t('test.title', { name: account.name })} size="lg" closeButtonProps={{ 'aria-label': t('common:act.close') }}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          test.mutate()
        }}
      >
        <Stack gap="sm">
          <Text size="sm">{t('test.what')}</Text>
          <Autocomplete label={t('test.model')} description={t('test.modelHint')} data={known} value={model} onChange={setModel} data-autofocus />
          <Group justify="flex-end">
            <Button type="submit" loading={test.isPending}>
              {t('test.run')}
            </Button>
          </Group>
          <Trouble problem={test.error ? problemOf(test.error) : undefined} />
          {test.data && <Result result={test.data} />}
        </Stack>
      </form>
    </Modal>
  )
}

function Result({ result }: { result: Of<'TestResult'> }) {
  const { t } = useTranslation('accounts')
  const { ok, status, latency_ms, message, cause, explanation, kind, model, state_before, state, state_changed } = result
  return (
    <Alert color={ok ? 'teal' : 'red'} icon={ok ? <IconCircleCheck aria-hidden /> : <IconCircleX aria-hidden />} title={ok ? t('test.ok') : t('test.failed')} role="status">
      <Stack gap={6}>
        {message && (
          <Text size="md" fw={600} className="said">
            {message}
          </Text>
        )}
        {explanation && <Text size="sm">{explanation}</Text>}
        <Group gap="md">
          <Text size="sm">
            {t('test.status')} <strong>{status ?? t('test.noAnswer')}</strong>
          </Text>
          <Text size="sm">
            {t('test.took')} <strong>{duration(latency_ms)}</strong>
          </Text>
          <Text size="sm">
            {t('test.asked')} <strong className="said">{kind === 'models' ? t('probe.list') : model}</strong>
          </Text>
          {cause && <Cause cause={cause} />}
        </Group>
        {result.upstream_request_id && (
          <Text size="sm" component="div">
            {t('test.upstreamId')} <Id value={result.upstream_request_id} />
          </Text>
        )}
        <Group gap="xs">
          <StateBadge state={state_before.status} />
          <span aria-hidden>→</span>
          <StateBadge state={state.status} />
          <Text size="sm">{state_changed ? t('test.changed') : t('test.unchanged')}</Text>
        </Group>
      </Stack>
    </Alert>
  )
}
