/** That nobody is told of an event any more, and until when. */
import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useNow } from '../../parts/now'
import { local } from '../../parts/when'
import { useSilences } from './asking'
import type { Event } from './kinds'
import { silencedUntil } from './silenced'

/** Until when an event is silenced, as people read it. */
export function useSilencedUntil(event: Event): string | undefined {
  const { i18n } = useTranslation()
  const { silences } = useSilences()
  const now = useNow()
  const until = event.status === 'firing' ? silencedUntil(event, silences ?? [], now) : undefined
  return until && local(Date.parse(until), i18n.language)
}

export function SilencedMark({ event }: { event: Event }) {
  const { t } = useTranslation('alerts')
  const until = useSilencedUntil(event)
  if (!until) return null
  return (
    <Text size="xs" fw={600}>
      {t('silenced', { until })}
    </Text>
  )
}
