/** What may come a moment later: drawn in pieces after what stands around it is there, so that the page can be seen and used meanwhile. */
import { type ReactNode, useDeferredValue } from 'react'

export function Later({ children }: { children: ReactNode }) {
  return useDeferredValue(true, false) ? children : null
}
