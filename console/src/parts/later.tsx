/** What may come a moment later at a first look: drawn in pieces after what stands around it is there, so that the page can be seen and used meanwhile. */
import { type ReactNode, useDeferredValue, useEffect, useState } from 'react'

const seen = new Set<string>()

/** `name` is that of its place: whoever comes back to it finds all of it, and where they were in it. */
export function Later({ name, children }: { name: string; children: ReactNode }) {
  const [isKnown] = useState(() => seen.has(name))
  const isThere = useDeferredValue(true, isKnown)
  useEffect(() => {
    if (isThere) seen.add(name)
  }, [isThere, name])
  return isThere ? children : null
}
