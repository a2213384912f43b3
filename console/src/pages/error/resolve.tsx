/** Marks a failure as dealt with, alone or with its issue. */
import { Button, Menu } from '@mantine/core'
import { IconCheck, IconChevronDown } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { api, type Of } from '../../api/client'
import { useMay } from '../../app/session'
import { tellDone, tellProblem } from '../../parts/told'
import { errorOf } from './use-error'

export function Resolve({ error }: { error: Of<'ErrorLogDetail'> }) {
  const { t } = useTranslation('errors')
  const may = useMay('operator')
  const queries = useQueryClient()
  const id = String(error.id)
  const show = (resolved: boolean) => void queries.setQueryData(errorOf(id).queryKey, (now) => now && { ...now, resolved })
  const change = useMutation({
    mutationFn: async (body: Of<'Resolve'>) => (await api.PUT('/api/v1/admin/ops/errors/{id}/resolve', { params: { path: { id } }, body })).data,
    // It can be taken back: what is asked for is shown at once.
    onMutate: ({ resolved }) => show(resolved),
    onSuccess: () => tellDone(),
    onError: (thrown, { resolved }) => {
      show(!resolved)
      tellProblem(thrown)
    },
    onSettled: async () => {
      await queries.invalidateQueries({ queryKey: errorOf(id).queryKey })
      await queries.invalidateQueries({ queryKey: ['errors'] })
    },
  })
  if (!may) return null
  if (error.resolved) {
    return (
      <Button size="compact-xs" variant="default" loading={change.isPending} onClick={() => change.mutate({ resolved: false })}>
        {t('resolve.undo')}
      </Button>
    )
  }
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button size="compact-xs" variant="default" loading={change.isPending} leftSection={<IconCheck size={13} aria-hidden />} rightSection={<IconChevronDown size={12} aria-hidden />}>
          {t('resolve.do')}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => change.mutate({ resolved: true })}>{t('resolve.alone')}</Menu.Item>
        <Menu.Item disabled={!error.issue} onClick={() => change.mutate({ resolved: true, issue: true })}>
          {t('resolve.withIssue')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
