/** Personal tokens: what somebody's programs show in place of a password. One is shown once. */
import { Badge, Button, MultiSelect, Select, Stack, Table, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Of } from '../../api/client'
import { may, type Role, useMe } from '../../app/session'
import { ConfirmButton } from '../../parts/confirm'
import { useEvery } from '../../parts/every'
import { Fields, SaveBar, Sheet, Trouble, useSave } from '../../parts/form'
import { useJoined } from '../../parts/joined'
import { isoOf } from '../../parts/moment'
import { useNow } from '../../parts/now'
import { Once } from '../../parts/once'
import { Empty, Loaded } from '../../parts/states'
import { When } from '../../parts/when'

export const ROLES = ['viewer', 'operator', 'admin'] as const satisfies Role[]
const AREAS = ['errors', 'accounts', 'config', 'alerts', 'ops', 'people'] as const satisfies Of<'Area'>[]

interface Owner {
  id: number
  name: string
  role: Role
}

/** The tokens of one. */
export function Tokens({ owner }: { owner: Owner }) {
  const { t } = useTranslation(['people', 'common'])
  const { list } = useJoined()
  const [makes, setMakes] = useState(false)
  const now = useNow()
  const tokens = useEvery('tokens', async (query) => (await api.GET('/api/v1/admin/tokens', { params: { query } })).data as Of<'List_AdminTokenView'>)
  return (
    <Stack gap="xs">
      <Loaded query={tokens} rows={3}>
        {(all) => {
          const own = all.filter(({ admin_user_id }) => admin_user_id === owner.id)
          if (own.length === 0) return <Empty>{t('tokens.empty')}</Empty>
          return (
            <Table.ScrollContainer minWidth={700}>
              <Table verticalSpacing={4}>
                <Table.Thead>
                  <Table.Tr>
                    {(['name', 'prefix', 'role', 'scopes', 'used', 'expires'] as const).map((name) => (
                      <Table.Th key={name}>{t(`tokens.column.${name}`)}</Table.Th>
                    ))}
                    <Table.Th />
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {own.map((token) => (
                    <Table.Tr key={token.id}>
                      <Table.Th scope="row" className="said">
                        {token.name}
                      </Table.Th>
                      <Table.Td>
                        <span className="mono">{token.prefix}…</span>
                      </Table.Td>
                      <Table.Td>{t(`role.${token.role}`)}</Table.Td>
                      <Table.Td>{token.scopes.length > 0 ? list(token.scopes) : t('tokens.allAreas')}</Table.Td>
                      <Table.Td>{token.last_used_at ? <When at={token.last_used_at} /> : t('tokens.neverUsed')}</Table.Td>
                      <Table.Td>
                        {token.expires_at ? <When at={token.expires_at} /> : t('tokens.never')} {token.expires_at && Date.parse(token.expires_at) < now && <Badge color="gray" c="var(--mantine-color-text)" variant="light" tt="none">{t('tokens.over')}</Badge>}
                      </Table.Td>
                      <Table.Td ta="right">
                        <ConfirmButton size="compact-xs" label={t('common:act.delete')} title={t('tokens.delete', { name: token.name })} act={() => api.DELETE('/api/v1/admin/tokens/{id}', { params: { path: { id: token.id } } })}>
                          {t('tokens.deleteWhat')}
                        </ConfirmButton>
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          )
        }}
      </Loaded>
      <Button size="xs" w="fit-content" onClick={() => setMakes(true)}>
        {t('tokens.create')}
      </Button>
      {makes && <Make owner={owner} onClose={() => setMakes(false)} />}
    </Stack>
  )
}

function Make({ owner, onClose }: { owner: Owner; onClose: () => void }) {
  const { t } = useTranslation('people')
  const me = useMe()
  const [made, setMade] = useState<string>()
  const form = useForm({ initialValues: { name: '', role: 'viewer' as Role, scopes: [] as Of<'Area'>[], expires_at: '' } })
  const { save, isSaving, problem } = useSave({
    form,
    fields: ['name', 'role', 'scopes', 'expires_at'],
    send: async ({ name, role, scopes, expires_at }: typeof form.values) =>
      (await api.POST('/api/v1/admin/tokens', { body: { name: name.trim(), role, scopes, ...(expires_at ? { expires_at: isoOf(expires_at) } : {}), ...(owner.id === me.id ? {} : { admin_user: owner.id }) } })).data?.token ?? '',
    onDone: setMade,
  })
  const roles = ROLES.filter((role) => may(me.role, role) && may(owner.role, role))
  return (
    <Sheet opened title={made ? form.values.name : t('tokens.createFor', { name: owner.name })} onClose={onClose} size="md" isDirty={!made && form.isDirty()}>
      {made ? (
        <Once secret={made} onClose={onClose} />
      ) : (
        <form onSubmit={form.onSubmit((values) => save(values))}>
          <Fields>
            <TextInput label={t('tokens.column.name')} description={t('tokens.nameHint')} required data-autofocus {...form.getInputProps('name')} />
            <Select label={t('tokens.column.role')} description={t('tokens.roleHint')} data={roles.map((value) => ({ value, label: t(`role.${value}`) }))} allowDeselect={false} {...form.getInputProps('role')} />
            <MultiSelect label={t('tokens.column.scopes')} description={t('tokens.scopesHint')} data={AREAS.map((value) => ({ value, label: t(`area.${value}`) }))} {...form.getInputProps('scopes')} />
            <TextInput type="datetime-local" label={t('tokens.column.expires')} description={t('tokens.expiresHint')} {...form.getInputProps('expires_at')} />
            <Text size="sm">{t('tokens.how')}</Text>
            <Trouble problem={problem} />
          </Fields>
          <SaveBar saving={isSaving} label={t('tokens.create')} onCancel={onClose} />
        </form>
      )}
    </Sheet>
  )
}
