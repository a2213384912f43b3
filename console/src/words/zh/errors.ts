import type { Words } from '..'
import type { errors as source } from '../en/errors'

export const errors: Words<typeof source> = {
  title: 'errors',
}
