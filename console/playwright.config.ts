import { existsSync } from 'node:fs'
import { defineConfig } from '@playwright/test'

/** A browser of the system's: `make test` installs one where there is none. */
const chromium = [process.env.WAYBILL_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => path && existsSync(path))

export default defineConfig({
  testDir: 'tests',
  // Two cores are shared with the gateway and the simulated providers of each story.
  workers: 1,
  retries: 0,
  timeout: 180_000,
  expect: { timeout: 20_000 },
  reporter: [['list']],
  use: {
    viewport: { width: 1280, height: 800 },
    launchOptions: {
      executablePath: chromium,
      // The menus of the address bar are four hundred files for each window.
      args: ['--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    },
    // What a story that failed looked like.
    screenshot: 'only-on-failure',
    trace: 'off',
  },
})
