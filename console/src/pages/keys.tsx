/** API keys: what clients of the gateway show. One is shown whole when it is made, and never again. */
import { MultiSelect, Select, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Of } from '../api/client'
import { useMay } from '../app/session'
import { StatusBadge } from '../parts/account-state'
import { changed } from '../parts/changed'
import { ConfirmButton } from '../parts/confirm'
import { Fields, SaveBar, Sheet, Trouble, useSave } from '../parts/form'
import { useJoined } from '../parts/joined'
import type { Column } from '../parts/list'
import { isoOf, localInput } from '../parts/moment'
import { count, usd } from '../parts/number'
import { Once } from '../parts/once'
import { changes } from '../parts/problem-field'
import { PasswordInput } from '../parts/secret-input'
import { When } from '../parts/when'
import { type Key, useGroups, useKeys, useUsers } from './access/data'
import { Things, useSet } from './access/frame'
import { LIMITS, limitsBody, limitValues } from './access/limits'
import { LimitInputs, NearestLimit, UsageTable } from './access/usage'

export function Page() {
  const { t } = useTranslation('access')
  const { user } = useSearch({ strict: false })
  const users = useUsers()
  const set = useSet()
  const filters = <Select size="xs" w={180} clearable searchable aria-label={t('keys.user')} placeholder={t('keys.user')} data={(users.data ?? []).map(({ name }) => name)} value={user ?? null} onChange={(user) => set({ user: user ?? undefined })} />
  return (
    <Things
      name="keys"
      title={t('keys.title')}
      create={t('keys.create')}
      empty={t('keys.empty')}
      found={useKeys()}
      columns={useColumns()}
      filters={filters}
      fits={(key) => !user || key.user === user}
      sheet={(key, close) => <One key={key?.id ?? 'new'} apiKey={key} onClose={close} />}
    />
  )
}

function useColumns(): Column<Key>[] {
  const { t, i18n } = useTranslation('access')
  const { list } = useJoined()
  return [
    { key: 'name', title: t('name'), width: 'minmax(150px, 1fr)', cell: ({ name }) => <strong>{name}</strong> },
    { key: 'prefix', title: t('keys.prefix'), width: '120px', cell: ({ prefix }) => <span className="mono">{prefix}…</span> },
    { key: 'user', title: t('keys.user'), width: '120px', cell: ({ user }) => user ?? '–' },
    { key: 'groups', title: t('keys.groups'), width: 'minmax(140px, 1fr)', cell: ({ groups }) => list(groups) },
    { key: 'status', title: t('status'), width: '110px', cell: ({ status }) => <StatusBadge status={status} /> },
    { key: 'expires_at', title: t('keys.expires'), width: '110px', cell: ({ expires_at }) => (expires_at ? <When at={expires_at} /> : t('keys.never')) },
    { key: 'nearest', title: t('usage.nearest'), width: '210px', cell: ({ usage, limits }) => <NearestLimit usage={usage} limits={limits} /> },
    { key: 'in_flight', title: t('usage.inFlight'), width: '80px', align: 'right', cell: ({ in_flight }) => in_flight },
    { key: 'requests', title: t('usage.requestsToday'), width: '110px', align: 'right', cell: ({ usage }) => count(usage.day.requests, i18n.language) },
    { key: 'tokens', title: t('usage.tokensToday'), width: '110px', align: 'right', cell: ({ usage }) => count(usage.day.tokens, i18n.language) },
    { key: 'usd', title: t('usage.usdMonth'), width: '110px', align: 'right', cell: ({ usage }) => usd(usage.month.usd, i18n.language) },
  ]
}

const FIELDS = ['name', 'user', 'groups', 'key', 'expires_at', 'status', ...LIMITS.map((name) => `limits.${name}`)]

function valuesOf(key: Key | undefined) {
  return { name: key?.name ?? '', user: key?.user ?? null, groups: key?.groups ?? [], key: '', expires_at: localInput(key?.expires_at), status: key?.status ?? ('active' as Of<'Status'>), limits: limitValues(key?.limits) }
}

type Values = ReturnType<typeof valuesOf>

const bodyOf = ({ name, groups, expires_at, status, limits }: Values) => ({ name: name.trim(), groups, status, limits: limitsBody(limits), expires_at: isoOf(expires_at) })

/** A new key: without groups it may use every one there is now, without a user it is the default's. */
function formOf(values: Values): Of<'ApiKeyForm'> {
  const { groups, ...body } = bodyOf(values)
  return { ...body, ...(groups.length > 0 ? { groups } : {}), ...(values.user ? { user: values.user } : {}), ...(values.key ? { key: values.key } : {}) }
}

function One({ apiKey, onClose }: { apiKey: Key | undefined; onClose: () => void }) {
  const { t } = useTranslation(['access', 'common'])
  const mayChange = useMay('admin')
  const [before] = useState(() => valuesOf(apiKey))
  const [made, setMade] = useState<string>()
  const form = useForm({ initialValues: before })
  const users = useUsers()
  const groups = useGroups()
  const { save, isSaving, problem } = useSave({
    form,
    fields: FIELDS,
    send: async (values: Values) => {
      if (apiKey) return void (await api.PATCH('/api/v1/admin/api-keys/{id}', { params: { path: { id: apiKey.id } }, body: changed(changes(bodyOf(before), bodyOf(values))) }))
      return (await api.POST('/api/v1/admin/api-keys', { body: formOf(values) })).data?.key
    },
    onDone: (key) => (key ? setMade(key) : onClose()),
  })
  if (made)
    return (
      <Sheet opened title={t('keys.made', { name: form.values.name })} onClose={onClose}>
        <Once secret={made} onClose={onClose} />
      </Sheet>
    )
  return (
    <Sheet opened title={apiKey ? apiKey.name : t('keys.create')} onClose={onClose} isDirty={form.isDirty()}>
      {apiKey && <UsageTable usage={apiKey.usage} limits={apiKey.limits} inFlight={apiKey.in_flight} />}
      {apiKey && (
        <Text size="sm" my="xs">
          <span className="mono">{apiKey.prefix}…</span> {t('keys.notShown')}
        </Text>
      )}
      <form onSubmit={form.onSubmit((values) => save(values))}>
        <Fields locked={mayChange ? undefined : t('common:form.adminsOnly')}>
          <TextInput label={t('name')} required {...form.getInputProps('name')} />
          <Select label={t('keys.user')} disabled={Boolean(apiKey)} description={apiKey ? t('keys.userFixed') : t('keys.userHint')} data={(users.data ?? []).map(({ name }) => name)} searchable clearable {...form.getInputProps('user')} />
          <MultiSelect label={t('keys.groups')} description={apiKey ? t('keys.groupsOrder') : t('keys.groupsHint')} data={(groups.data ?? []).map(({ name }) => name)} searchable {...form.getInputProps('groups')} />
          <TextInput type="datetime-local" label={t('keys.expires')} description={t('keys.expiresHint')} {...form.getInputProps('expires_at')} />
          <Select label={t('status')} data={(['active', 'disabled'] as const).map((value) => ({ value, label: t(`statuses.${value}`) }))} allowDeselect={false} {...form.getInputProps('status')} />
          <LimitInputs form={form} />
          {!apiKey && <PasswordInput label={t('keys.own')} description={t('keys.ownHint')} autoComplete="off" {...form.getInputProps('key')} />}
          <Trouble problem={problem} />
        </Fields>
        {mayChange && (
          <SaveBar saving={isSaving} onCancel={onClose}>
            {apiKey && (
              <ConfirmButton label={t('common:act.delete')} title={t('deleteOne', { name: apiKey.name })} act={() => api.DELETE('/api/v1/admin/api-keys/{id}', { params: { path: { id: apiKey.id } } })} onDone={onClose}>
                {t('keys.deleteWhat')}
              </ConfirmButton>
            )}
          </SaveBar>
        )}
      </form>
    </Sheet>
  )
}
