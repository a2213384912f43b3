/** One number with what it is held against. Coloured by what the server says of it, and the word stands beside. */
import { Badge, Group, Paper, Text } from '@mantine/core'
import { IconAlertTriangle, IconCheck, IconCircleDashed } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import classes from './overview.module.css'
import type { Judged } from './thresholds'

const LOOKS = {
  ok: { color: 'teal', Icon: IconCheck },
  breached: { color: 'red', Icon: IconAlertTriangle },
  no_data: { color: 'gray', Icon: IconCircleDashed },
} as const

interface Props {
  label: string
  judged?: Judged
  /** It has more to say than one number. */
  isWide?: boolean
  /** The threshold in words. */
  threshold?: (value: number) => string
  children: ReactNode
}

export function Figure({ label, judged, isWide, threshold, children }: Props) {
  const { t } = useTranslation('overview')
  const state = judged && judged.state !== 'off' ? judged.state : undefined
  const look = state && LOOKS[state]
  return (
    <Paper withBorder className={classes.figure} data-state={state} data-wide={isWide}>
      <Group justify="space-between" gap={4} mih={22}>
        <Text size="sm" fw={600} component="h2" m={0}>
          {label}
        </Text>
        {state && look && (
          <Badge size="sm" variant="light" color={look.color} tt="none" leftSection={<look.Icon size={11} aria-hidden />}>
            {t(`figure.state.${state}`)}
          </Badge>
        )}
      </Group>
      {children}
      {judged && threshold && judged.threshold !== null && judged.threshold !== undefined && <Text size="xs">{threshold(judged.threshold)}</Text>}
    </Paper>
  )
}
