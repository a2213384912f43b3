import '@mantine/core/styles.css'
import '@mantine/notifications/styles.css'
import './app/page.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app/app'
import { NONCE } from './app/base'
import { lookAhead } from './app/routes'
import { loadWords } from './words'

// What locks the page behind a dialogue writes a style of its own, and looks here for its nonce.
Object.assign(globalThis, { __webpack_nonce__: NONCE })

const root = document.getElementById('root')
if (!root) throw new Error('the page has no root')
// What fails here fails again where it is shown.
lookAhead().catch(() => undefined)
// No await here: a file of words that uses a part of this module's chunk would wait for what waits for it.
loadWords().then(() =>
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  ),
)
