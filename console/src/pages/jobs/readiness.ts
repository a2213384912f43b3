/** Asks whether traffic may be sent to the gateway. "Not ready" is an answer, too, although its status is not a success. */
import type { Of } from '../../api/client'
import { PREFIX } from '../../app/base'
import { Problem } from '../../api/problem'

export type Readiness = Of<'Readiness'>

export async function askReadiness(signal?: AbortSignal): Promise<Readiness> {
  const answer = await fetch(`${PREFIX}/readyz`, { signal: signal ?? null, headers: { accept: 'application/json' } }).catch((thrown: unknown) => {
    throw signal?.aborted ? thrown : Problem.unreachable(thrown)
  })
  return (await readinessOf(answer.clone())) ?? Promise.reject(await Problem.of(answer))
}

/** `undefined`: whoever answered, it was not a gateway that knows. */
export async function readinessOf(answer: Response): Promise<Readiness | undefined> {
  if (answer.status !== 200 && answer.status !== 503) return undefined
  const said: unknown = await answer.json().catch(() => undefined)
  const { ready, reasons } = (said ?? {}) as Partial<Readiness>
  return typeof ready === 'boolean' && Array.isArray(reasons) ? (said as Readiness) : undefined
}
