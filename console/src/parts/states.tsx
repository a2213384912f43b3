/** What stands where there is nothing yet, nothing at all, or something went wrong: each says what to do. */
import { Alert, Button, Center, Skeleton, Stack, Text } from '@mantine/core'
import { IconAlertCircle, IconInbox } from '@tabler/icons-react'
import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { problemOf } from '../api/problem'

/** Rows of nothing, as high as what comes. */
export function Loading({ rows = 6 }: { rows?: number }) {
  const { t } = useTranslation()
  return (
    <Stack gap="xs" role="status" aria-label={t('state.loading')}>
      {Array.from({ length: rows }, (_, row) => (
        <Skeleton key={row} height={22} />
      ))}
    </Stack>
  )
}

export function Empty({ children, action }: { children?: ReactNode; action?: ReactNode }) {
  const { t } = useTranslation()
  return (
    <Center p="xl">
      <Stack align="center" gap="xs">
        <IconInbox size={32} stroke={1.2} aria-hidden />
        <Text c="dimmed" ta="center" maw={480}>
          {children ?? t('state.empty')}
        </Text>
        {action}
      </Stack>
    </Center>
  )
}

export function Failed({ thrown, retry }: { thrown: unknown; retry?: () => void }) {
  const { t } = useTranslation()
  const { code, status, detail } = problemOf(thrown)
  const what = code === 'unreachable' ? t('state.unreachable') : status === 403 ? t('state.forbidden') : t('state.failed')
  return (
    <Alert color="red" icon={<IconAlertCircle />} title={what} role="alert">
      <Text size="sm" className="said">
        {detail} <span className="mono">({code})</span>
      </Text>
      {retry && (
        <Button size="xs" variant="default" mt="xs" onClick={retry}>
          {t('state.retry')}
        </Button>
      )}
    </Alert>
  )
}

/** An answer once it is there; until then what stands for it. */
export function Loaded<T>({ query, rows, children }: { query: UseQueryResult<T, unknown>; rows?: number; children: (data: T) => ReactNode }) {
  if (query.data !== undefined) return children(query.data)
  if (query.isError) return <Failed thrown={query.error} retry={() => void query.refetch()} />
  return <Loading rows={rows} />
}
