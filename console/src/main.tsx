import '@mantine/core/styles.css'
import '@mantine/notifications/styles.css'
import './app/page.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app/app'
import { NONCE } from './app/base'
import { loadWords } from './words'

// What locks the page behind a dialogue writes a style of its own, and looks here for its nonce.
Object.assign(globalThis, { __webpack_nonce__: NONCE })

const root = document.getElementById('root')
if (!root) throw new Error('the page has no root')
await loadWords()
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
