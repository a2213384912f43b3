import react from '@vitejs/plugin-react'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'
import { ahead } from './build/ahead.ts'
import { groups, takers } from './build/chunks.ts'
import { compressed } from './build/compressed.ts'

// The gateway that the development server asks: `make demo` prints its address.
const gateway = process.env.WAYBILL_URL ?? 'http://127.0.0.1:8080'

/** What the gateway puts into each page, for the development server. */
function placed(): Plugin {
  return { name: 'placed', apply: 'serve', transformIndexHtml: (html) => html.replace('__BASE__', '/').replaceAll('__NONCE__', 'development') }
}

export default defineConfig({
  // Addresses relative to the page's `<base>`: a proxy may put the gateway under any prefix.
  base: './',
  plugins: [takers(), react(), ahead(), compressed(), placed()],
  // The gateway puts a fresh one into each page.
  html: { cspNonce: '__NONCE__' },
  build: {
    outDir: 'dist/app',
    target: 'es2023',
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1500,
    // What is needed first is named in the page itself; styles are few enough for one file.
    modulePreload: false,
    cssCodeSplit: false,
    rolldownOptions: { output: { codeSplitting: { groups } } },
  },
  server: { port: 5173, strictPort: true, proxy: { '/api': gateway, '/readyz': gateway } },
  test: { environment: 'jsdom', include: ['src/**/*.test.{ts,tsx}'] },
})
