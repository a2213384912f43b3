/** Whether traffic may be sent to the gateway that answers. */
import { Alert, Skeleton, Text } from '@mantine/core'
import { IconCircleCheck, IconCircleX } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { api, type Of } from '../../api/client'
import { Problem } from '../../api/problem'
import { Failed } from '../../parts/states'

/** "Not ready" is an answer, too, although its status is not a success. */
async function ask(): Promise<Of<'Readiness'> | undefined> {
  try {
    return (await api.GET('/readyz')).data
  } catch (thrown) {
    if (thrown instanceof Problem && thrown.status === 503) return JSON.parse(thrown.detail) as Of<'Readiness'>
    throw thrown
  }
}

export function Ready() {
  const { t } = useTranslation('system')
  const { data, error, refetch } = useQuery({ queryKey: ['readyz'], queryFn: ask, refetchInterval: 5_000 })
  if (error && !data) return <Failed thrown={error} retry={() => void refetch()} />
  if (!data) return <Skeleton h={44} />
  return (
    <Alert color={data.ready ? 'teal' : 'red'} icon={data.ready ? <IconCircleCheck aria-hidden /> : <IconCircleX aria-hidden />} p="xs" role="status">
      <strong>{data.ready ? t('ready.yes') : t('ready.no')}</strong>
      {data.reasons.map((reason) => (
        <Text key={reason} size="sm" className="said">
          {reason}
        </Text>
      ))}
    </Alert>
  )
}
