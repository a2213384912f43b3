/** What runs by itself, where every record went, and which gateways there are. */
import { Paper, Stack, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Head } from '../parts/head'
import { Books } from './jobs/books'
import { Jobs } from './jobs/list'
import { Ready } from './jobs/ready'
import { Replicas } from './jobs/replicas'

export function Page() {
  const { t } = useTranslation('system')
  return (
    <>
      <Head title={t('jobs.title')} />
      <Stack gap="md">
        <Ready />
        <Part title={t('jobs.list')}>
          <Jobs />
        </Part>
        <Part title={t('books.title')}>
          <Books />
        </Part>
        <Part title={t('replicas.title')}>
          <Replicas />
        </Part>
      </Stack>
    </>
  )
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Paper withBorder p="sm" component="section">
      <Title order={2} size="h5" mb="xs">
        {title}
      </Title>
      {children}
    </Paper>
  )
}
