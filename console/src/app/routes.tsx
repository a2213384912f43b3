/** Every page and its address. A page's code is loaded when it is first shown. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router'
import { queries } from '../api/queries'
import { Failed } from '../parts/states'
import { CONSOLE } from './base'
import { Missing } from './missing'
import { parseSearch, type Search, stringifySearch } from './search'
import { whoAmI } from './session'
import { Shell } from './shell'

const root = createRootRoute({ validateSearch: (search: Record<string, unknown>): Search => search as Search })

/** Everything for those who are signed in. */
const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  component: Shell,
  beforeLoad: async ({ location }) => {
    const me = await queries.ensureQueryData(whoAmI)
    if (!me) throw redirect({ to: '/sign-in', search: { to: location.href } })
  },
})

/** A page, and what it begins with: that is asked for while the page is made. */
type Load = () => Promise<{ Page: () => React.ReactNode; ahead?: (search: Search) => void }>

/** Where each page's code is. */
const code = new Map<string, Load>()

const at = <Path extends string>(path: Path, load: Load) => {
  code.set(path, load)
  return createRoute({ getParentRoute: () => inside, path, component: lazyRouteComponent(load, 'Page') })
}

const pages = [
  at('/', () => import('../pages/overview')),
  at('/errors', () => import('../pages/errors')),
  at('/errors/$id', () => import('../pages/error')),
  at('/upstream-errors', () => import('../pages/attempts')),
  at('/upstream-errors/$id', () => import('../pages/attempt')),
  at('/issues', () => import('../pages/issues')),
  at('/issues/$fingerprint', () => import('../pages/issue')),
  at('/replays', () => import('../pages/replays')),
  at('/replays/$id', () => import('../pages/replay')),
  at('/accounts', () => import('../pages/accounts')),
  at('/accounts/$id', () => import('../pages/account')),
  at('/groups', () => import('../pages/groups')),
  at('/keys', () => import('../pages/keys')),
  at('/users', () => import('../pages/users')),
  at('/alerts', () => import('../pages/alerts')),
  at('/objectives', () => import('../pages/objectives')),
  at('/notifications', () => import('../pages/notifications')),
  at('/reports', () => import('../pages/reports')),
  at('/rules', () => import('../pages/rules')),
  at('/jobs', () => import('../pages/jobs')),
  at('/settings', () => import('../pages/settings')),
  at('/audit-log', () => import('../pages/audit')),
  at('/people', () => import('../pages/people')),
  at('/me', () => import('../pages/me')),
]

const outside = [
  createRoute({ getParentRoute: () => root, path: '/sign-in', component: lazyRouteComponent(() => import('../pages/sign-in'), 'Page') }),
  createRoute({ getParentRoute: () => root, path: '/setup', component: lazyRouteComponent(() => import('../pages/setup'), 'Page') }),
]

export const router = createRouter({
  routeTree: root.addChildren([inside.addChildren(pages), ...outside]),
  basepath: CONSOLE,
  parseSearch,
  stringifySearch,
  defaultPreload: 'intent',
  scrollRestoration: true,
  defaultNotFoundComponent: Missing,
  // Who is there is asked again, too.
  defaultErrorComponent: ({ error }) => <Failed thrown={error} retry={() => void router.invalidate()} />,
})

/**
 * For a first look: who is there is asked, the page's code is had and what it begins with is asked, beside what else
 * there is to do, rather than one after the other.
 */
export async function lookAhead(): Promise<void> {
  const { pathname, search } = router.latestLocation
  const path = router.matchRoutes(pathname, search).at(-1)?.fullPath
  const load = path === undefined ? undefined : code.get(path)
  if (!load) return
  const [me, page] = await Promise.all([queries.ensureQueryData(whoAmI), load()])
  if (me) page.ahead?.(search as Search)
}

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
