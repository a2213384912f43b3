import type { Words } from '..'
import type { alerts as source } from '../en/alerts'

export const alerts: Words<typeof source> = {
  title: 'alerts',
}
