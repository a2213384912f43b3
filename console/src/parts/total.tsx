/** How many rows there are; at least so many, where counting ended before the list did. */
import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { count } from './number'

export function Total({ total, isEstimate }: { total: number | undefined; isEstimate: boolean }) {
  const { t, i18n } = useTranslation()
  if (total === undefined) return null
  // The plural follows the number; what is shown is the number as people read it.
  const said = t(isEstimate ? 'list.atLeast' : 'list.total', { count: total }).replace(String(total), count(total, i18n.language))
  return <Text size="xs">{said}</Text>
}
