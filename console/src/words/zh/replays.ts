import type { Words } from '..'
import type { replays as source } from '../en/replays'

export const replays: Words<typeof source> = {
  title: 'replays',
}
