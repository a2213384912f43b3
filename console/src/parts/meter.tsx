/** How much of a limit is used: numbers, and a bar beside them. */
import { Group, Progress, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { count, percent } from './number'
import { useJoined } from './joined'

interface Props {
  used: number
  limit: number | null | undefined
  /** What is counted, for those who hear it. */
  label: string
  /** How a number is said. */
  say?: (value: number) => string
  width?: number | string
}

export function Meter({ used, limit, label, say, width = 56 }: Props) {
  const { i18n } = useTranslation()
  const { named } = useJoined()
  const told = say ?? ((value: number) => count(value, i18n.language))
  const share = limit ? (used / limit) * 100 : 0
  const color = share >= 100 ? 'red' : share >= 80 ? 'orange' : 'blue'
  return (
    <Group gap={6} wrap="nowrap" title={limit ? named(label, percent(share, i18n.language)) : label}>
      {limit ? <Progress value={Math.min(share, 100)} color={color} w={width} size="sm" aria-label={label} style={{ flexShrink: 0 }} /> : null}
      <Text size="xs" span style={{ whiteSpace: 'nowrap' }}>
        {told(used)}
        {limit ? ` / ${told(limit)}` : ''}
      </Text>
    </Group>
  )
}
