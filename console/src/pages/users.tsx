/** Users: whom keys belong to, what they may use all together, and what they have paid. */
import { Anchor, NumberInput, Select, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Of } from '../api/client'
import { useMay } from '../app/session'
import { StatusBadge } from '../parts/account-state'
import { changed } from '../parts/changed'
import { ConfirmButton } from '../parts/confirm'
import { Fields, SaveBar, Sheet, Trouble, useSave } from '../parts/form'
import type { Column } from '../parts/list'
import { count, usd } from '../parts/number'
import { changes, numberOf } from '../parts/problem-field'
import { type User, useKeys, useUsers } from './access/data'
import { Things } from './access/frame'
import { LIMITS, limitsBody, limitValues } from './access/limits'
import { LimitInputs, NearestLimit, UsageTable } from './access/usage'

export function Page() {
  const { t } = useTranslation('access')
  return <Things name="users" title={t('users.title')} create={t('users.create')} empty={t('users.empty')} found={useUsers()} columns={useColumns()} sheet={(user, close) => <One key={user?.id ?? 'new'} user={user} onClose={close} />} />
}

function useColumns(): Column<User>[] {
  const { t, i18n } = useTranslation('access')
  const keys = useKeys()
  return [
    { key: 'name', title: t('name'), width: 'minmax(150px, 1fr)', cell: ({ name }) => <strong>{name}</strong> },
    { key: 'status', title: t('status'), width: '110px', cell: ({ status }) => <StatusBadge status={status} /> },
    { key: 'keys', title: t('users.keys'), width: '70px', align: 'right', cell: ({ id }) => keys.data?.filter(({ user_id }) => user_id === id).length ?? '' },
    { key: 'balance', title: t('users.balance'), width: '120px', align: 'right', cell: ({ balance_usd, credit_usd }) => (credit_usd === null || credit_usd === undefined ? t('users.noBalance') : <Text size="xs" span fw={(balance_usd ?? 0) <= 0 ? 700 : 400}>{usd(balance_usd, i18n.language)}</Text>) },
    { key: 'nearest', title: t('usage.nearest'), width: '220px', cell: ({ usage, limits }) => <NearestLimit usage={usage} limits={limits} /> },
    { key: 'in_flight', title: t('usage.inFlight'), width: '80px', align: 'right', cell: ({ in_flight }) => in_flight },
    { key: 'requests', title: t('usage.requestsToday'), width: '110px', align: 'right', cell: ({ usage }) => count(usage.day.requests, i18n.language) },
    { key: 'tokens', title: t('usage.tokensToday'), width: '110px', align: 'right', cell: ({ usage }) => count(usage.day.tokens, i18n.language) },
    { key: 'usd', title: t('usage.usdMonth'), width: '110px', align: 'right', cell: ({ usage }) => usd(usage.month.usd, i18n.language) },
    { key: 'ever', title: t('usage.usdEver'), width: '110px', align: 'right', hidden: true, cell: ({ usage }) => usd(usage.total.usd, i18n.language) },
  ]
}

const FIELDS = ['name', 'status', 'credit_usd', ...LIMITS.map((name) => `limits.${name}`)]

function valuesOf(user: User | undefined) {
  return { name: user?.name ?? '', status: user?.status ?? ('active' as Of<'Status'>), credit_usd: (user?.credit_usd ?? '') as number | string, limits: limitValues(user?.limits) }
}

type Values = ReturnType<typeof valuesOf>

const bodyOf = ({ name, status, credit_usd, limits }: Values) => ({ name: name.trim(), status, credit_usd: numberOf(credit_usd), limits: limitsBody(limits) })

function One({ user, onClose }: { user: User | undefined; onClose: () => void }) {
  const { t, i18n } = useTranslation(['access', 'common'])
  const mayChange = useMay('admin')
  const [before] = useState(() => valuesOf(user))
  const form = useForm({ initialValues: before })
  const { save, isSaving, problem } = useSave({
    form,
    fields: FIELDS,
    send: async (values: Values) =>
      user
        ? await api.PATCH('/api/v1/admin/users/{id}', { params: { path: { id: user.id } }, body: changed(changes(bodyOf(before), bodyOf(values))) })
        : await api.POST('/api/v1/admin/users', { body: bodyOf(values) }),
    onDone: onClose,
  })
  return (
    <Sheet opened title={user ? user.name : t('users.create')} onClose={onClose} isDirty={form.isDirty()}>
      {user && (
        <>
          <UsageTable usage={user.usage} limits={user.limits} inFlight={user.in_flight} />
          <Text size="sm" my="xs">
            {user.credit_usd === null || user.credit_usd === undefined ? t('users.unpaid') : t('users.left', { left: usd(user.balance_usd, i18n.language), paid: usd(user.credit_usd, i18n.language) })}
          </Text>
          <Anchor size="sm" mb="sm" display="block" component={Link} to="/keys" search={{ user: user.name } as never}>
            {t('users.theirKeys')}
          </Anchor>
        </>
      )}
      <form onSubmit={form.onSubmit((values) => save(values))}>
        <Fields locked={mayChange ? undefined : t('common:form.adminsOnly')}>
          <TextInput label={t('name')} required {...form.getInputProps('name')} />
          <Select label={t('status')} description={t('users.statusHint')} data={(['active', 'disabled'] as const).map((value) => ({ value, label: t(`statuses.${value}`) }))} allowDeselect={false} {...form.getInputProps('status')} />
          <NumberInput label={t('users.credit')} description={t('users.creditHint')} min={0} prefix="$" decimalScale={6} thousandSeparator {...form.getInputProps('credit_usd')} />
          <LimitInputs form={form} />
          <Trouble problem={problem} />
        </Fields>
        {mayChange && (
          <SaveBar saving={isSaving} onCancel={onClose}>
            {user && (
              <ConfirmButton label={t('common:act.delete')} title={t('deleteOne', { name: user.name })} act={() => api.DELETE('/api/v1/admin/users/{id}', { params: { path: { id: user.id } } })} onDone={onClose} explain={{ in_use: t('users.inUse') }}>
                {t('users.deleteWhat')}
              </ConfirmButton>
            )}
          </SaveBar>
        )}
      </form>
    </Sheet>
  )
}
