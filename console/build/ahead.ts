/** What a page needs from its first moment is asked for side by side, before the first of it has been read. */
import type { Plugin, Rolldown } from 'vite'
import { wantedOf } from '../src/words/wanted.ts'
import { placeAt } from './place.ts'

/** The pages that people come to from outside, by bookmarks and by the links in notices: by their places. */
const FROM_OUTSIDE: Record<string, string> = {
  '': 'overview',
  errors: 'errors',
  'errors/': 'error',
  issues: 'issues',
  'issues/': 'issue',
  alerts: 'alerts',
  'sign-in': 'sign-in',
  setup: 'setup',
}

/** What each language is loaded with. */
const WORDS = { en: ['words/en'], zh: ['words/zh', 'words/zh/gateway'] }

interface Needs {
  /** Files by place. */
  pages: Record<string, string[]>
  /** Files by language. */
  words: Record<string, string[]>
}

export function ahead(): Plugin {
  return {
    name: 'ahead',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler(html, { bundle = {} }) {
        const chunks = Object.values(bundle).filter((one) => one.type === 'chunk')
        const filesOf = (...places: string[]) => [...new Set(places.flatMap((place) => loadedWith(place, chunks)))]
        const needs: Needs = {
          pages: Object.fromEntries(Object.entries(FROM_OUTSIDE).map(([place, page]) => [place, filesOf(`pages/${page}`)])),
          words: Object.fromEntries(Object.entries(WORDS).map(([language, places]) => [language, filesOf(...places)])),
        }
        const script = `<script nonce="__NONCE__">(${ask})(${JSON.stringify(needs)}, ${placeAt}, ${wantedOf})</script>`
        // Behind what addresses are relative to, and before the styles, for which scripts wait.
        return html.replace(/<base [^>]*>/, (base) => `${base}\n    ${script}`)
      },
    },
  }
}

/** The files that a module is loaded with, but for the one that every page names itself. */
function loadedWith(place: string, chunks: Rolldown.OutputChunk[]): string[] {
  const path = new RegExp(`/src/${place}(/index)?[.]tsx?$`)
  const own = chunks.find(({ facadeModuleId }) => facadeModuleId && path.test(facadeModuleId))
  if (!own) throw new Error(`${place} has no file of its own`)
  const names = new Set([own.fileName])
  for (const name of names) chunks.find(({ fileName }) => fileName === name)?.imports.forEach((other) => names.add(other))
  const entry = chunks.find(({ isEntry }) => isEntry)
  return [...names].filter((name) => name !== entry?.fileName)
}

/** Runs in the page, before anything else of it. A guess that is wrong costs a file that is not needed. */
function ask({ pages, words }: Needs, at: typeof placeAt, wanted: typeof wantedOf): void {
  const link = (attributes: Partial<HTMLLinkElement>) => document.head.append(Object.assign(document.createElement('link'), attributes))
  const load = (files: string[] = []) => files.forEach((href) => link({ rel: 'modulepreload', href }))
  const place = at(location.pathname, new URL(document.baseURI).pathname)
  load(pages[place])
  // Where one signs in nobody is there yet.
  if (place !== 'sign-in' && place !== 'setup') link({ rel: 'preload', as: 'fetch', href: '../api/v1/admin/me', crossOrigin: 'anonymous' })
  // Last, for the browser may have to read what is kept from its disk.
  load(words[wanted([localStorage.getItem('waybill.language'), ...navigator.languages], Object.keys(words) as [string, ...string[]])])
}
