/** What can be done with an account: test it, switch it, clear what is held against it, change it, delete it. */
import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { api } from '../../api/client'
import type { Search } from '../../app/search'
import { useMay } from '../../app/session'
import { ConfirmButton } from '../../parts/confirm'
import type { Account } from '../accounts/data'
import { AccountSheet } from '../accounts/form'
import { TestModal } from './test'

export function Acts({ account }: { account: Account }) {
  const { t } = useTranslation(['accounts', 'common'])
  const [operates, changes] = [useMay('operator'), useMay('admin')]
  const [tests, test] = useDisclosure()
  const navigate = useNavigate()
  const { open } = useSearch({ strict: false })
  const set = (change: Search) => void navigate({ to: '.', search: (old: Search) => ({ ...old, ...change }), replace: true, resetScroll: false })
  const { id, name } = account
  const path = { id }
  return (
    <>
      {operates && (
        <>
          <Button size="xs" variant="default" onClick={test.open}>
            {t('common:act.test')}
          </Button>
          {/* Keyed: the one question must not turn into the other while it closes. */}
          {account.status === 'active' ? (
            <ConfirmButton key="disable" size="xs" label={t('common:act.disable')} title={t('act.disable', { name })} asksReason act={(reason) => api.POST('/api/v1/admin/accounts/{id}/disable', { params: { path }, body: { reason } as never })}>
              {t('act.disableWhat')}
            </ConfirmButton>
          ) : (
            <ConfirmButton key="enable" size="xs" color="teal" label={t('common:act.enable')} title={t('act.enable', { name })} asksReason act={(reason) => api.POST('/api/v1/admin/accounts/{id}/enable', { params: { path }, body: { reason } as never })} />
          )}
          <ConfirmButton size="xs" color="blue" label={t('act.reset')} title={t('act.resetOne', { name })} asksReason act={(reason) => api.POST('/api/v1/admin/accounts/{id}/reset', { params: { path }, body: { reason } as never })}>
            {t('act.resetWhat')}
          </ConfirmButton>
        </>
      )}
      {changes && (
        <>
          <Button size="xs" onClick={() => set({ open: 'edit' })}>
            {t('common:act.edit')}
          </Button>
          <ConfirmButton size="xs" label={t('common:act.delete')} title={t('act.delete', { name })} act={() => api.DELETE('/api/v1/admin/accounts/{id}', { params: { path } })} onDone={() => void navigate({ to: '/accounts' })}>
            {t('act.deleteWhat')}
          </ConfirmButton>
        </>
      )}
      {tests && <TestModal account={account} onClose={test.close} />}
      {open === 'edit' && changes && <AccountSheet account={account} onClose={() => set({ open: undefined })} />}
    </>
  )
}
