/**
 * Which file a module goes into. A browser asks a gateway without TLS for six files at once, and each file has its
 * price, so a first look needs few: one of what every page is made of, one or two of what pages share, and the page's
 * own. Promises: the sign-in, the overview and the list of errors load nothing that only other pages need, and no two
 * files need each other.
 */
import path from 'node:path'
import type { Plugin } from 'vite'

interface ModuleInfo {
  importers: readonly string[]
  dynamicImporters: readonly string[]
}

interface Context {
  getModuleInfo: (id: string) => ModuleInfo | null
}

/** What is shared, by the pages that need it: the first that fits. What a module needs itself fits the same one or one before it. */
const SHARED: readonly [name: string, fits: (pages: ReadonlySet<string>) => boolean][] = [
  ['basics', (pages) => pages.has('sign-in')],
  ['common', (pages) => pages.has('overview') && pages.has('errors')],
  ['lists', (pages) => pages.has('errors')],
  ['looks', (pages) => pages.has('overview')],
  ['forms', () => true],
]

export const groups = [
  { name: 'frame', tags: ['$initial' as const], priority: SHARED.length + 1 },
  ...SHARED.map(([name], at) => ({
    debugName: name,
    priority: SHARED.length - at,
    name: (id: string, context: Context) => (sharedBy(id, context) === name ? name : null),
  })),
]

function sharedBy(id: string, context: Context): string | undefined {
  const entries = entriesTo(id, context)
  if (entries.size < 2) return undefined
  const pages = new Set([...entries].map((entry) => /[/]src[/]pages[/]([^/.]+)/.exec(entry)?.[1] ?? entry))
  return SHARED.find(([, fits]) => fits(pages))?.[0]
}

/** The modules loaded on demand from which one leads to this without loading anything more. */
function entriesTo(id: string, context: Context): Set<string> {
  const entries = new Set<string>()
  const seen = new Set([id])
  for (const one of seen) {
    const info = context.getModuleInfo(one)
    if (!info) continue
    if (info.dynamicImporters.length > 0) entries.add(one)
    for (const importer of info.importers) if (!isBarrel(importer)) seen.add(importer)
    if (LIBRARY.test(one)) takenBy.get(nameOf(one))?.forEach((taker) => seen.add(taker))
  }
  return entries
}

/** Libraries whose first module hands on all of them: who imports it wants a few names, each that of a file. */
const LIBRARY = /[/]node_modules[/](@mantine[/]core|@tabler[/]icons-react)[/]/
const isBarrel = (id: string) => LIBRARY.test(id) && /[/]index[.]m?js$/.test(id)
/** `Badge.mjs` has `Badge`, and `use-media-query.mjs` has `useMediaQuery`. */
const nameOf = (id: string) => path.basename(id, path.extname(id)).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
const TAKES = /import \{([^}]+)\} from '(?:@mantine\/core|@tabler\/icons-react)'/g

/** By a name, which is that of its file, too: the modules of ours that take it from a library. */
const takenBy = new Map<string, Set<string>>()

export function takers(): Plugin {
  return {
    name: 'takers',
    apply: 'build',
    enforce: 'pre',
    transform: {
      filter: { id: /[/]src[/].*[.]tsx?$/ },
      handler(code, id) {
        for (const [, names = ''] of code.matchAll(TAKES)) {
          for (const name of names.split(',')) {
            const key = name.trim().replace(/ as .*/, '')
            takenBy.set(key, (takenBy.get(key) ?? new Set()).add(id))
          }
        }
      },
    },
  }
}
