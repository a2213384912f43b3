/** Admin users: who uses this console and its API by name. */
import { Alert, Divider, Select, Text, TextInput, Title } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Of } from '../api/client'
import { type Role, useMay, useMe } from '../app/session'
import { StatusBadge } from '../parts/account-state'
import { changed } from '../parts/changed'
import { ConfirmButton } from '../parts/confirm'
import { useEvery } from '../parts/every'
import { Fields, SaveBar, Sheet, Trouble, useSave } from '../parts/form'
import { Head } from '../parts/head'
import type { Column } from '../parts/list'
import { changes } from '../parts/problem-field'
import { When } from '../parts/when'
import { Things } from './access/frame'
import { NewPassword, passwordMistakes } from './people/password'
import { ROLES, Tokens } from './people/tokens'
import { TotpBadge } from './people/totp-badge'

type Person = Of<'AdminUser'>

export function Page() {
  const { t } = useTranslation('people')
  const isAdmin = useMay('admin')
  if (isAdmin) return <List />
  return (
    <>
      <Head title={t('people.title')} />
      <Alert color="gray">{t('people.adminsOnly')}</Alert>
    </>
  )
}

function List() {
  const { t } = useTranslation('people')
  const people = useEvery('admin users', async (query) => (await api.GET('/api/v1/admin/admin-users', { params: { query } })).data as Of<'List_AdminUser'>)
  return <Things name="people" title={t('people.title')} create={t('people.create')} empty={t('people.empty')} found={people} columns={useColumns()} sheet={(person, close) => <One key={person?.id ?? 'new'} person={person} onClose={close} />} />
}

function useColumns(): Column<Person>[] {
  const { t } = useTranslation('people')
  const me = useMe()
  return [
    { key: 'name', title: t('people.name'), width: 'minmax(160px, 1fr)', cell: ({ id, name }) => (<><strong>{name}</strong> {id === me.id && t('people.you')}</>) },
    { key: 'role', title: t('people.role'), width: '140px', cell: ({ role }) => t(`role.${role}`) },
    { key: 'status', title: t('people.status'), width: '120px', cell: ({ status }) => <StatusBadge status={status} /> },
    { key: 'totp', title: t('totp.title'), width: '140px', cell: ({ totp }) => <TotpBadge isOn={totp} /> },
    { key: 'last', title: t('people.last'), width: '180px', cell: ({ last_sign_in_at }) => (last_sign_in_at ? <When at={last_sign_in_at} as="both" /> : t('people.neverSignedIn')) },
    { key: 'created', title: t('people.created'), width: '180px', cell: ({ created_at }) => <When at={created_at} as="both" /> },
  ]
}

function valuesOf(person: Person | undefined) {
  return { name: person?.name ?? '', role: person?.role ?? ('viewer' as Role), status: person?.status ?? ('active' as Of<'Status'>), password: '', again: '' }
}

type Values = ReturnType<typeof valuesOf>

const bodyOf = ({ name, role, status }: Values) => ({ name: name.trim(), role, status })

function One({ person, onClose }: { person: Person | undefined; onClose: () => void }) {
  const { t } = useTranslation(['people', 'common', 'access'])
  const me = useMe()
  const [before] = useState(() => valuesOf(person))
  const form = useForm({
    initialValues: before,
    validate: (values: Values) => passwordMistakes(values, { short: t('password.short'), different: t('password.different') }, Boolean(person)),
  })
  const explain = { last_admin: t('people.lastAdmin') }
  const { save, isSaving, problem } = useSave({
    form,
    fields: ['name', 'role', 'status', 'password'],
    send: async (values: Values) =>
      person
        ? await api.PATCH('/api/v1/admin/admin-users/{id}', { params: { path: { id: person.id } }, body: changed({ ...changes(bodyOf(before), bodyOf(values)), ...(values.password ? { password: values.password } : {}) }) })
        : await api.POST('/api/v1/admin/admin-users', { body: { ...bodyOf(values), password: values.password } }),
    onDone: onClose,
  })
  return (
    <Sheet opened title={person ? person.name : t('people.create')} onClose={onClose} isDirty={form.isDirty()}>
      <form onSubmit={form.onSubmit((values) => save(values))}>
        <Fields>
          {person && person.id === me.id && <Alert color="gray">{t('people.thatIsYou')}</Alert>}
          <TextInput label={t('people.name')} description={t('people.nameHint')} required autoComplete="off" {...form.getInputProps('name')} />
          <Select label={t('people.role')} description={t(`roleMay.${form.values.role}`)} data={ROLES.map((value) => ({ value, label: t(`role.${value}`) }))} allowDeselect={false} {...form.getInputProps('role')} />
          <Select label={t('people.status')} description={t('people.statusHint')} data={(['active', 'disabled'] as const).map((value) => ({ value, label: t(`access:statuses.${value}`) }))} allowDeselect={false} {...form.getInputProps('status')} />
          <NewPassword form={form} label={person ? t('people.otherPassword') : t('signIn.password')} isOptional={Boolean(person)} />
          {person && <Text size="sm">{t('people.passwordEnds')}</Text>}
          {person?.totp && <Lost person={person} isMe={person.id === me.id} onDone={onClose} />}
          <Trouble problem={problem} explain={explain} />
        </Fields>
        <SaveBar saving={isSaving} onCancel={onClose}>
          {person && (
            <ConfirmButton label={t('common:act.delete')} title={t('people.delete', { name: person.name })} act={() => api.DELETE('/api/v1/admin/admin-users/{id}', { params: { path: { id: person.id } } })} onDone={onClose} explain={explain}>
              {t('people.deleteWhat')}
            </ConfirmButton>
          )}
        </SaveBar>
      </form>
      {person && (
        <>
          <Divider my="md" />
          <Title order={2} size="h5" mb="xs">
            {t('tokens.title')}
          </Title>
          <Tokens owner={person} />
        </>
      )}
    </Sheet>
  )
}

/** What is done about somebody who lost the device that shows their codes. */
function Lost({ person: { id, name }, isMe, onDone }: { person: Person; isMe: boolean; onDone: () => void }) {
  const { t } = useTranslation('people')
  return (
    <div>
      <Text size="sm" mb="xs">
        {isMe ? t('people.totpYours') : t('people.totpOn')}
      </Text>
      {!isMe && (
        <ConfirmButton size="xs" label={t('totp.turnOff')} title={t('people.totpReset', { name })} act={() => api.DELETE('/api/v1/admin/admin-users/{id}/totp', { params: { path: { id } } })} onDone={onDone}>
          {t('people.totpResetWhat')}
        </ConfirmButton>
      )}
    </div>
  )
}
