/** A change that says nothing is not sent, and not said to be done. */
import { Problem } from '../api/problem'

const UNCHANGED = 'unchanged'

/** The change, where it says something; thrown is that it says nothing. `always` are names that every change has. */
export function changed<Body extends object>(body: Body, ...always: (keyof Body)[]): Body {
  if (Object.keys(body).every((name) => always.includes(name as keyof Body))) throw new Problem(0, UNCHANGED, '')
  return body
}

export function isUnchanged(thrown: unknown): boolean {
  return thrown instanceof Problem && thrown.code === UNCHANGED
}
