import type { Words } from '..'
import type { settings as source } from '../en/settings'

export const settings: Words<typeof source> = {
  title: 'settings',
}
