/** What the server says of a number that has a threshold. */
import type { Of } from '../../api/client'

export type Judged = Of<'Judged'>

/** How this number stands to its threshold; nothing where there is none. */
export function overThreshold({ thresholds }: Of<'Overview'>, name: keyof Of<'Judgements'>): Judged | undefined {
  const judged = thresholds[name]
  return judged.state === 'off' ? undefined : judged
}
