/** One account: how it stands and why, what it delivered, what happened to it, what it is. */
import { Grid, Group, Paper, Stack, Title } from '@mantine/core'
import { useParams } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { $api } from '../api/client'
import { StateBadge } from '../parts/account-state'
import { Head } from '../parts/head'
import { Loaded } from '../parts/states'
import { Acts } from './account/acts'
import { Delivered } from './account/delivered'
import { Failures } from './account/failures'
import { History } from './account/history'
import { Settings } from './account/settings'
import { Standing } from './account/standing'
import { Use } from './account/use'
import { LIVE } from './accounts/data'

export function Page() {
  const { t } = useTranslation('accounts')
  const id = Number(useParams({ strict: false }).id)
  const account = $api.useQuery('get', '/api/v1/admin/accounts/{id}', { params: { path: { id } } }, { refetchInterval: LIVE })
  return (
    <Loaded query={account} rows={16}>
      {(account) => (
        <>
          <Head title={account.name}>
            <Acts account={account} />
          </Head>
          <Group gap="xs" mb="sm">
            <StateBadge state={account.state.status} />
            <span>{account.platform}</span>
            <span className="mono said">{account.base_url}</span>
          </Group>
          <Grid gap="md">
            <Part title={t('one.standing')} span={8}>
              <Standing account={account} />
            </Part>
            <Part title={t('one.use')} span={4}>
              <Use account={account} />
            </Part>
            <Part title={t('one.delivered')} span={8}>
              <Delivered id={id} />
            </Part>
            <Part title={t('one.failures')} span={4}>
              <Failures id={id} />
            </Part>
            <Part title={t('one.history')} span={12}>
              <History id={id} />
            </Part>
            <Part title={t('one.settings')} span={12}>
              <Settings account={account} />
            </Part>
          </Grid>
        </>
      )}
    </Loaded>
  )
}

function Part({ title, span, children }: { title: string; span: number; children: ReactNode }) {
  return (
    <Grid.Col span={{ base: 12, lg: span }}>
      <Paper withBorder p="sm" component="section" h="100%">
        <Stack gap="xs">
          <Title order={2} size="h5">
            {title}
          </Title>
          {children}
        </Stack>
      </Paper>
    </Grid.Col>
  )
}
