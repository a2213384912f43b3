// The browser: Playwright's own client of the console, and a Chromium of the system's.
import { createRequire } from 'node:module'
import { existsSync } from 'node:fs'
import { ADMIN, ROOT } from './world.mjs'

const { chromium } = createRequire(`${ROOT}console/package.json`)('@playwright/test')

export const CHROMIUM = [process.env.WAYBILL_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => path && existsSync(path))
/** What Chromium draws its address bar's menus with: four hundred files for each window, had while a page is measured. */
const WITHOUT = ['WebUIOmniboxPopup', 'WebUIOmniboxAimPopup', 'WebUIOmniboxFullPopup']
export const QUIET = [`--disable-features=${WITHOUT}`, '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run', '--disable-quic']
export const VIEWPORT = { width: 1280, height: 800 }

/** A browser that keeps nothing from one context to the next. */
export function launch(args = []) {
  if (!CHROMIUM) throw new Error('no Chromium: install it, or set WAYBILL_CHROMIUM')
  return chromium.launch({ executablePath: CHROMIUM, args: [...QUIET, ...args] })
}

/** The cookies of somebody who signed in as people do. */
export async function signedIn(browser, url) {
  const context = await browser.newContext({ locale: 'en-US' })
  const page = await context.newPage()
  await page.goto(`${url}/console/`)
  await page.getByRole('textbox', { name: 'Name' }).fill(ADMIN.name)
  await page.getByRole('textbox', { name: 'Password' }).fill(ADMIN.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('navigation').waitFor()
  const cookies = await context.cookies()
  await context.close()
  return cookies
}

/** A page with nothing cached; with cookies somebody is signed in. */
export async function freshPage(browser, cookies = []) {
  const context = await browser.newContext({ locale: 'en-US', viewport: VIEWPORT })
  await context.addCookies(cookies)
  const page = await context.newPage()
  return { page, cdp: await context.newCDPSession(page), end: () => context.close() }
}
