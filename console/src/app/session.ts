/** Who is signed in, and what they may do. */
import { queryOptions, useSuspenseQuery } from '@tanstack/react-query'
import { api, keepSession, type Of, setCsrfToken } from '../api/client'
import { Problem } from '../api/problem'
import { queries } from '../api/queries'

export type Me = Of<'Me'>
export type Role = Of<'Role'>

const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 }

/** Whoever is signed in; `null`: nobody. */
export const whoAmI = queryOptions({
  queryKey: ['me'],
  staleTime: 60_000,
  queryFn: async (): Promise<Me | null> => {
    try {
      const { data } = await api.GET('/api/v1/admin/me')
      setCsrfToken(data?.csrf_token)
      return data ?? null
    } catch (thrown) {
      if (thrown instanceof Problem && thrown.status === 401) return null
      throw thrown
    }
  },
})

/** Something was refused, and perhaps for nobody is signed in any more: where that is so, the shell leads to the sign-in. */
export function doubtSession(): void {
  void queries.invalidateQueries({ queryKey: whoAmI.queryKey }, { cancelRefetch: false })
}

keepSession({
  refused: doubtSession,
  renew: async () => {
    const before = queries.getQueryData(whoAmI.queryKey)
    const now = await queries.fetchQuery({ ...whoAmI, staleTime: 0 })
    // What one person asked for is not done in another's name, and what they saw is not for the other.
    if (now?.id !== before?.id) void queries.invalidateQueries()
    return Boolean(now) && now?.id === before?.id
  },
})

/** Within the shell somebody is signed in. */
export function useMe(): Me {
  const { data } = useSuspenseQuery(whoAmI)
  if (!data) throw new Problem(401, 'unauthorized', '')
  return data
}

/** Whoever is signed in, or nobody any more. */
export function useAnybody(): Me | null {
  return useSuspenseQuery(whoAmI).data
}

/** Whether the one who is signed in may do what needs this role. */
export function useMay(role: Role): boolean {
  return may(useMe().role, role)
}

export function may(has: Role, needs: Role): boolean {
  return RANK[has] >= RANK[needs]
}
