/** Moments as a sentence has them: the minute, and the day where that is not today. */
import { momentFormat } from '../../parts/format'

export function clockOf(language: string, now: number): (at: number) => string {
  const today = new Date(now).toDateString()
  return (at) => {
    const day = new Date(at).toDateString() === today ? {} : ({ month: 'short', day: 'numeric' } as const)
    return momentFormat(language, { ...day, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(at)
  }
}
