import type { Words } from '..'
import type { overview as source } from '../en/overview'

export const overview: Words<typeof source> = {
  title: 'overview',
}
