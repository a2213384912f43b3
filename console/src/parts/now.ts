/** One clock for everything on the page that says how long ago something was. */
import { useSyncExternalStore } from 'react'

let now = Date.now()
const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  timer ??= setInterval(() => {
    now = Date.now()
    for (const told of listeners) told()
  }, 5_000)
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) {
      clearInterval(timer)
      timer = undefined
    }
  }
}

/** Milliseconds since 1970, anew every five seconds. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now)
}

/** The day here, as text: it changes at midnight alone. */
export function useToday(): string {
  return useSyncExternalStore(subscribe, () => new Date(now).toDateString())
}
