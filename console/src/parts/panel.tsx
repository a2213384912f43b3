/** A part of a page with a name of its own. */
import { Group, Paper, Title } from '@mantine/core'
import { type ReactNode, useId } from 'react'

interface Props {
  title: string
  /** Stands at the right of the name. */
  aside?: ReactNode
  children: ReactNode
}

export function Panel({ title, aside, children }: Props) {
  const id = useId()
  return (
    <Paper component="section" withBorder p="sm" aria-labelledby={id} miw={0}>
      <Group justify="space-between" mb="xs" gap="xs">
        <Title order={2} size="h5" id={id}>
          {title}
        </Title>
        {aside}
      </Group>
      {children}
    </Paper>
  )
}
