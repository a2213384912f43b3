import type { Words } from '..'
import type { access as source } from '../en/access'

export const access: Words<typeof source> = {
  title: 'access',
}
