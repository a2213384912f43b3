/** Keys that work wherever on the page nobody is writing. */
import { useEffect, useRef } from 'react'

const WRITTEN_IN = 'textarea, select, [contenteditable="true"], input:not([type="radio"], [type="checkbox"], [type="button"])'
const IN_FRONT = '[role="dialog"], [role="menu"], [role="listbox"]'

/** Whether a key belongs to what has the focus: a field, a dialogue, or the browser itself. */
export function isTaken(event: KeyboardEvent): boolean {
  const target = event.target instanceof Element ? event.target : undefined
  return event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || Boolean(target?.closest(`${WRITTEN_IN}, ${IN_FRONT}`))
}

/** Does what stands behind a key, by the key's name: `{ r: …, '?': … }`. */
export function useKeys(keys: Record<string, (() => void) | undefined>): void {
  const now = useRef(keys)
  useEffect(() => {
    now.current = keys
  })
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const act = now.current[event.key]
      // One dialogue at a time: what lies behind it is not to be moved.
      if (!act || isTaken(event) || document.querySelector('[role="dialog"][aria-modal="true"]')) return
      event.preventDefault()
      act()
    }
    window.addEventListener('keydown', listen)
    return () => window.removeEventListener('keydown', listen)
  }, [])
}
