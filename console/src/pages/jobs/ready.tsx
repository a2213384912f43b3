/** Whether traffic may be sent to the gateway that answers. */
import { Alert, Skeleton, Text } from '@mantine/core'
import { IconCircleCheck, IconCircleX } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Failed } from '../../parts/states'
import { askReadiness } from './readiness'

export function Ready() {
  const { t } = useTranslation('system')
  const { data, error, refetch } = useQuery({ queryKey: ['readyz'], queryFn: ({ signal }) => askReadiness(signal), refetchInterval: 5_000 })
  // An old "ready" says nothing of now.
  if (error) return <Failed thrown={error} retry={() => void refetch()} />
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
