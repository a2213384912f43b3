import type { Words } from '..'
import type { system as source } from '../en/system'

export const system: Words<typeof source> = {
  title: 'system',
}
