// The pictures of README.md and docs/CONSOLE.md: the main pages over the demo's data, in both themes.
// Usage: node scripts/pictures.mjs [FOLDER]   (default ../docs/pictures; needs the release binary and Chromium)
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium } from '@playwright/test'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = process.argv[2] ?? `${root}docs/pictures`
const binary = process.env.WAYBILL_BINARY ?? `${root}target/release/waybill`
const browser = [process.env.WAYBILL_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => path && existsSync(path))
// Until the demo has shown each of its faults.
const WARM_UP_MS = Number(process.env.PICTURES_WARM_UP_MS ?? 180_000)

const demo = spawn(binary, ['demo', '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'ignore'] })
try {
  const { url, password, token } = await announced(demo)
  console.log(`the demo runs at ${url}; pictures in ${WARM_UP_MS / 1000} s`)
  await new Promise((done) => setTimeout(done, WARM_UP_MS))
  await take(url, password, token)
} finally {
  demo.kill('SIGTERM')
}

async function take(url, password, token) {
  mkdirSync(folder, { recursive: true })
  const api = async (path) => (await fetch(`${url}/api/v1/admin/${path}`, { headers: { authorization: `Bearer ${token}` } })).json()
  const { errors } = await api('ops/errors?time_range=1h&view=errors&page_size=50')
  const error = errors.find((one) => one.upstream_error_count > 1) ?? errors[0]
  const { items: issues } = await api('ops/issues')
  const pages = [
    ['overview', '/'],
    ['errors', '/errors?view=all'],
    ['error', `/errors/${error.id}`],
    ['issues', '/issues'],
    ['issue', `/issues/${issues[0].fingerprint}`],
    ['accounts', '/accounts'],
    ['alerts', '/alerts'],
  ]
  const running = await chromium.launch({ executablePath: browser, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] })
  for (const colorScheme of ['light', 'dark']) {
    const context = await running.newContext({ colorScheme, viewport: { width: 1280, height: 800 }, locale: 'en-US' })
    const page = await context.newPage()
    await page.goto(`${url}/console/`)
    await page.getByRole('textbox', { name: 'Name' }).fill('demo')
    await page.getByRole('textbox', { name: 'Password' }).fill(password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('navigation').waitFor()
    for (const [name, path] of pages) {
      await page.goto(`${url}/console${path}`)
      await page.locator('h1').waitFor()
      // Live pages never fall silent: what was asked for first has come after this.
      await page.waitForLoadState('networkidle', { timeout: 5_000 }).catch(() => undefined)
      await page.waitForTimeout(4_000)
      await page.screenshot({ path: `${folder}/${name}-${colorScheme}.png` })
    }
    await context.close()
  }
  await running.close()
}

/** What the demo says of itself. */
async function announced(process) {
  let said = ''
  for await (const text of process.stdout) {
    said += text
    const url = /listening on (http:\S+)/.exec(said)?.[1]
    if (!url) continue
    return { url, password: /password (\S+)/.exec(said)[1], token: /admin token {2}(\S+)/.exec(said)[1] }
  }
  throw new Error(`the demo ended:\n${said}`)
}
