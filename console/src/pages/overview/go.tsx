/** A link to what a number or a name is made of. */
import { Anchor, type AnchorProps } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { Target } from './target'

export function Go({ target, children, ...looks }: { target: Target; children: ReactNode; title?: string; 'aria-label'?: string } & AnchorProps) {
  // The union of addresses hides from the compiler that each has its own parameters.
  return (
    <Anchor component={Link} {...(target as { to: '/errors' })} {...looks}>
      {children}
    </Anchor>
  )
}
