/** Which of an account's marks matter. Pure. */
import type { Mark } from './data'

interface Marked {
  state: { marks: Mark[] }
  credential: { last_failure?: { at: string; message: string } | null }
}

/** Whether a mark is for the account as a whole. */
export const isWhole = ({ scope }: Mark) => scope === 'account'

/** The mark that decides: those of the account before those of models; of equals the one that lasts longest. */
export function deciding(marks: readonly Mark[]): Mark | undefined {
  const weight = (mark: Mark) => (mark.until ? Date.parse(mark.until) : Number.MAX_SAFE_INTEGER)
  return [...marks].sort((a, b) => Number(isWhole(b)) - Number(isWhole(a)) || weight(b) - weight(a))[0]
}

/** What was said last that keeps the account, or a model on it, from serving, or from getting a token. */
export function lastSaid({ state, credential }: Marked): { at: string; said: string } | undefined {
  const said = state.marks.map(({ since, reason }) => ({ at: since, said: reason }))
  if (credential.last_failure) said.push({ at: credential.last_failure.at, said: credential.last_failure.message })
  return said.filter(({ said }) => said !== '').sort((a, b) => Date.parse(b.at) - Date.parse(a.at))[0]
}
