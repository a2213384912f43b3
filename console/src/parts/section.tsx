/** A part of a page under its own heading. */
import { Group, Paper, Title } from '@mantine/core'
import type { ReactNode } from 'react'

export function Section({ title, tools, id, children }: { title: string; tools?: ReactNode; id?: string; children: ReactNode }) {
  return (
    <Paper component="section" withBorder p="sm" id={id} aria-label={title} miw={0}>
      <Group justify="space-between" mb="xs" gap="xs">
        <Title order={2} size="h5">
          {title}
        </Title>
        {tools}
      </Group>
      {children}
    </Paper>
  )
}
