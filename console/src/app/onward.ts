/** Where somebody goes on to once they are signed in. Promises: a page of this console, whatever the address says. */
import { CONSOLE } from './base'

/** Pages of nobody: whoever is signed in does not want to go there. */
const OUTSIDE = /^(sign-in|setup)\/?$/

/** `to` as the router writes it, without where the console is; what comes of it is a whole path of this origin. */
export function onward(to: string | undefined, home: string = new URL(CONSOLE, location.href).href): string {
  const console = new URL(home)
  const url = to?.startsWith('/') && URL.canParse(to.slice(1), console) ? new URL(to.slice(1), console) : console
  const isInside = url.origin === console.origin && url.pathname.startsWith(console.pathname)
  const isPage = isInside && !OUTSIDE.test(url.pathname.slice(console.pathname.length))
  return isPage ? url.pathname + url.search + url.hash : console.pathname
}
