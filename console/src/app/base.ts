/**
 * Where the console is, and so where the API is. The gateway may stand behind any path prefix and does not know it:
 * it gives each page a `<base>` relative to the page's own address, and everything follows from that.
 */

/** The path of the console, with a slash at its end: `/console/`, or `/prefix/console/`. */
export const CONSOLE = new URL(document.baseURI).pathname.replace(/[^/]*$/, '')

/** What stands before every path of the API, without a slash at its end: empty, or `/prefix`. */
export const PREFIX = prefixOf(CONSOLE)

export function prefixOf(path: string): string {
  return path.replace(/(\/console)?\/$/, '')
}

/** The nonce that styles and scripts of this page carry. */
export const NONCE = document.querySelector<HTMLElement>('meta[property="csp-nonce"]')?.nonce || undefined
