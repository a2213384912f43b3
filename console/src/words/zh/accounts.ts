import type { Words } from '..'
import type { accounts as source } from '../en/accounts'

export const accounts: Words<typeof source> = {
  title: 'accounts',
}
