/**
 * What others did meanwhile. The API writes some things whole and holds nothing against what was read, so they are
 * read again before they are written over: a change of somebody else is told, and never undone unseen.
 */
import i18next from 'i18next'
import { Problem } from '../api/problem'

/** What is there now; a problem `outdated` where it is not what was seen, `not_found` where it is gone. */
export async function unlessOthersChanged<T>(read: () => Promise<T | undefined>, isAsSeen: (now: T) => boolean): Promise<T> {
  const now = await read()
  if (now === undefined) throw new Problem(404, 'not_found', i18next.t('form.gone'))
  if (!isAsSeen(now)) throw new Problem(409, 'outdated', i18next.t('form.outdated'))
  return now
}

/** What the API stamps with when it was last changed. */
export interface Stamped {
  id: number
  updated_at: string
}

/** The same for what has such a stamp. */
export async function unlessNewer(seen: Stamped, read: () => Promise<{ updated_at: string } | undefined>): Promise<void> {
  await unlessOthersChanged(read, (now) => now.updated_at === seen.updated_at)
}
