import type { Words } from '..'
import type { attempts as source } from '../en/attempts'

export const attempts: Words<typeof source> = {
  title: 'attempts',
}
