/** The top of a page: what it is, and what can be done here. */
import { Group, Title } from '@mantine/core'
import { type ReactNode, useEffect } from 'react'

export function Head({ title, children }: { title: string; children?: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Waybill`
  }, [title])
  return (
    <Group justify="space-between" align="center" mb="sm" gap="xs">
      <Title order={1} size="h3" className="said">
        {title}
      </Title>
      <Group gap="xs">{children}</Group>
    </Group>
  )
}
