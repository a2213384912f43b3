import type { Words } from '..'
import type { rules as source } from '../en/rules'

export const rules: Words<typeof source> = {
  title: 'rules',
}
