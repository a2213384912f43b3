/** Whether a page fits the screen, and can be used by everybody. */
import { createRequire } from 'node:module'
import type { Page } from '@playwright/test'

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** How much the page is wider than what is seen of it, in pixels. */
export function wider(page: Page): Promise<number> {
  return page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth))
}

/** What axe finds that is serious or worse. */
export async function serious(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) {
    // Through the debugger: the page's policy lets no foreign script in.
    const text = await (await import('node:fs/promises')).readFile(AXE, 'utf8')
    await page.evaluate(text)
  }
  return page.evaluate(async () => {
    type Found = { violations: { id: string; impact: string; nodes: { html: string }[] }[] }
    const axe = (globalThis as unknown as { axe: { run: (where: Document, options: object) => Promise<Found> } }).axe
    const { violations } = await axe.run(document, { resultTypes: ['violations'] })
    return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(' | ')}`)
  })
}
