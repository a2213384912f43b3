/** Where something leads: a page of the console with what narrows it. */
import type { Search } from '../../app/search'

/** A list of failures, or of failed attempts. */
export interface FailureList {
  to: '/errors' | '/upstream-errors'
  search: Search
}

export type Target =
  | { to: '/errors' | '/upstream-errors' | '/issues' | '/accounts' | '/alerts' | '/objectives' | '/jobs' | '/groups' | '/users' | '/keys'; search?: Search }
  | { to: '/errors/$id' | '/accounts/$id'; params: { id: string }; search?: Search }
  | { to: '/issues/$fingerprint'; params: { fingerprint: string }; search?: Search }
