/** What lies over the page, the topmost last: a key that closes something closes that alone. */
import { useEffect, useId, useSyncExternalStore } from 'react'

let layers: readonly string[] = []
const listeners = new Set<() => void>()

function become(next: readonly string[]): void {
  layers = next
  for (const told of listeners) told()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

/** Puts a layer over the others for as long as it is open; whether none lies over it. */
export function useTopmost(isOpen: boolean): boolean {
  const id = useId()
  useEffect(() => {
    if (!isOpen) return
    become([...layers, id])
    return () => become(layers.filter((one) => one !== id))
  }, [id, isOpen])
  return useSyncExternalStore(subscribe, () => layers.at(-1) === id)
}
