/** What is promised, and what is left of it. */
import { Button, Stack } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { $api } from '../../api/client'
import { useMay } from '../../app/session'
import { Aside } from '../../parts/aside'
import { Head } from '../../parts/head'
import { Empty, Loaded } from '../../parts/states'
import { ObjectiveForm } from './form'
import type { Objective } from './kinds'
import { One } from './one'

export function Page() {
  const { t } = useTranslation(['watch', 'common'])
  const mayChange = useMay('admin')
  const [edited, setEdited] = useState<Objective | 'new'>()
  const found = $api.useQuery('get', '/api/v1/admin/ops/objectives', { params: { query: { page_size: 500 } } })
  const add = mayChange && (
    <Button size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setEdited('new')}>
      {t('objectives.add')}
    </Button>
  )
  return (
    <>
      <Head title={t('common:menu.objectives')}>{add}</Head>
      <Loaded query={found} rows={10}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>{t('objectives.none')}</Empty>
          ) : (
            <Stack gap="sm">
              {(items as unknown as Objective[]).map((objective) => (
                <One key={objective.id} objective={objective} edit={() => setEdited(objective)} />
              ))}
            </Stack>
          )
        }
      </Loaded>
      <Aside open={Boolean(edited)} close={() => setEdited(undefined)} title={t(edited === 'new' ? 'objectives.add' : 'objectives.edit')}>
        {edited && <ObjectiveForm objective={edited === 'new' ? undefined : edited} close={() => setEdited(undefined)} />}
      </Aside>
    </>
  )
}
