/** Lists of failures show what clients saw. Of what failover hid alone, a link has to ask for what was hidden. Pure. */
import type { Search } from '../../app/search'

/** `seen`: how many of them clients saw. */
export function whereHidden(seen: number): Search {
  return seen === 0 ? { recovered: 'true' } : {}
}
