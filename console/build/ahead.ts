/** What a page needs from its first moment is asked for side by side, before the first of it has been read. */
import type { Plugin, Rolldown } from 'vite'

/** The pages that people come to from outside, by bookmarks and by the links in notices: by the first part of their address. */
const FROM_OUTSIDE: Record<string, string> = { '': 'overview', errors: 'errors', issues: 'issues', alerts: 'alerts', 'sign-in': 'sign-in' }

export function ahead(): Plugin {
  return {
    name: 'ahead',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler(html, { bundle = {} }) {
        const chunks = Object.values(bundle).filter((one) => one.type === 'chunk')
        const pages = Object.fromEntries(Object.entries(FROM_OUTSIDE).map(([address, page]) => [address, filesOf(`pages/${page}`, chunks)]))
        const words = { en: filesOf('words/en', chunks), zh: filesOf('words/zh', chunks) }
        const script = `<script nonce="__NONCE__">(${ask})(${JSON.stringify(pages)}, ${JSON.stringify(words)})</script>`
        // Behind what addresses are relative to, and before the styles, for which scripts wait.
        return html.replace(/<base [^>]*>/, (base) => `${base}\n    ${script}`)
      },
    },
  }
}

/** The files that a module is loaded with, but for the one that every page names itself. */
function filesOf(place: string, chunks: Rolldown.OutputChunk[]): string[] {
  const path = new RegExp(`/src/${place}(/index)?[.]tsx?$`)
  const own = chunks.find(({ facadeModuleId }) => facadeModuleId && path.test(facadeModuleId))
  if (!own) throw new Error(`${place} has no file of its own`)
  const names = new Set([own.fileName])
  for (const name of names) chunks.find(({ fileName }) => fileName === name)?.imports.forEach((other) => names.add(other))
  const entry = chunks.find(({ isEntry }) => isEntry)
  return [...names].filter((name) => name !== entry?.fileName)
}

/** Runs in the page, before anything else of it. A guess that is wrong costs a file that is not needed. */
function ask(pages: Record<string, string[]>, words: Record<'en' | 'zh', string[]>): void {
  const link = (attributes: Partial<HTMLLinkElement>) => document.head.append(Object.assign(document.createElement('link'), attributes))
  const page = location.pathname.split('/console/')[1]?.split('/')[0] ?? ''
  const language = localStorage.getItem('waybill.language') ?? navigator.language
  for (const href of [...(pages[page] ?? []), ...words[language.startsWith('zh') ? 'zh' : 'en']]) link({ rel: 'modulepreload', href })
  // Every page but this asks who is there.
  if (page !== 'sign-in') link({ rel: 'preload', as: 'fetch', href: '../api/v1/admin/me', crossOrigin: 'anonymous' })
}
