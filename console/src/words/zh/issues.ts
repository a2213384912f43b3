import type { Words } from '..'
import type { issues as source } from '../en/issues'

export const issues: Words<typeof source> = {
  title: 'issues',
}
