import type { Words } from '..'
import type { watch as source } from '../en/watch'

export const watch: Words<typeof source> = {
  title: 'watch',
}
