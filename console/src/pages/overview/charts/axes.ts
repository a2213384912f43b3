/** What the charts of this page have alike. */
import { useNavigate, useSearch } from '@tanstack/react-router'
import type { Search } from '../../../app/search'

/** A choice that is in the address, so that it can be shared. */
export function useChoice<Value extends string>(name: string, values: readonly Value[]): [Value, (value: string) => void] {
  const navigate = useNavigate()
  const search = useSearch({ strict: false }) as Search
  const found = values.find((value) => value === search[name]) ?? (values[0] as Value)
  return [found, (value) => void navigate({ to: '.', search: (old: Search) => ({ ...old, [name]: value === values[0] ? undefined : value }), replace: true, resetScroll: false })]
}

/** Points that are whole: the last one of a window that ends now is still growing. */
export function whole<Point extends { start_time: string }>(points: Point[], stepMs: number): Point[] {
  const now = Date.now()
  return points.filter(({ start_time }) => Date.parse(start_time) + stepMs <= now)
}
