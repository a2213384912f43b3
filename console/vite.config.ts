import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { brotliCompressSync, constants } from 'node:zlib'
import react from '@vitejs/plugin-react'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

// The gateway that the development server asks: `make demo` prints its address.
const gateway = process.env.WAYBILL_URL ?? 'http://127.0.0.1:8080'

/** Each text file once more, compressed as well as can be: the gateway serves what is there and compresses nothing. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    async closeBundle() {
      const assets = path.join(import.meta.dirname, 'dist', 'app', 'assets')
      for (const name of await readdir(assets)) {
        if (!/\.(js|css|svg)$/.test(name)) continue
        const file = path.join(assets, name)
        const text = await readFile(file)
        const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY }
        await writeFile(`${file}.br`, brotliCompressSync(text, { params }))
      }
    },
  }
}

/** What the gateway puts into each page, for the development server. */
function placed(): Plugin {
  return { name: 'placed', apply: 'serve', transformIndexHtml: (html) => html.replace('__BASE__', '/').replaceAll('__NONCE__', 'development') }
}

/**
 * A browser asks a gateway without TLS for six files at once, so a first look needs few: one of what every page is
 * made of, a few of what pages share, and the page's own. Charts, and each language, are a file of their own.
 */
const groups = [
  { name: 'frame', tags: ['$initial' as const], priority: 2 },
  { name: 'icons', test: /icons-react/, minShareCount: 2, priority: 1 },
]

export default defineConfig({
  // Addresses relative to the page's `<base>`: a proxy may put the gateway under any prefix.
  base: './',
  plugins: [react(), compressed(), placed()],
  // The gateway puts a fresh one into each page.
  html: { cspNonce: '__NONCE__' },
  build: {
    outDir: 'dist/app',
    target: 'es2023',
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1500,
    modulePreload: { polyfill: false },
    rolldownOptions: { output: { codeSplitting: { groups } } },
  },
  server: { port: 5173, strictPort: true, proxy: { '/api': gateway, '/readyz': gateway } },
  test: { environment: 'jsdom', include: ['src/**/*.test.{ts,tsx}'] },
})
