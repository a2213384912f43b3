/** How many attempts failed at an account, as far as the API tells. Pure. */
import type { Of } from '../../api/client'

/** The API names those with most failures; of the others it is known that there are none only where nothing is left over. */
export function failuresOf(told: Pick<Of<'ErrorDistribution'>, 'items' | 'others'> | undefined, id: number): number | undefined {
  if (!told) return undefined
  return told.items.find(({ value }) => value === String(id))?.count ?? (told.others > 0 ? undefined : 0)
}
