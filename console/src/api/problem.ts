import type { components } from './schema'

type Details = components['schemas']['ProblemDetails']

/** What went wrong with a request to the API, in the API's own words where it had any. */
export class Problem extends Error {
  constructor(
    /** The HTTP status; 0 where there was no answer. */
    readonly status: number,
    /** The API's stable code, or `unreachable`, or `unreadable`. */
    readonly code: string,
    /** What the API says of it. */
    readonly detail: string,
    /** The field of the body at fault. */
    readonly field?: string,
    /** The query parameter at fault. */
    readonly parameter?: string,
    /** When it may be asked again. */
    readonly retryAt?: string,
  ) {
    super(detail)
  }

  /** Of an answer that is not a success. */
  static async of(response: Response): Promise<Problem> {
    const text = await response.text().catch(() => '')
    try {
      const body = JSON.parse(text) as Partial<Details>
      if (typeof body.code === 'string') {
        const { code, detail, field, parameter, retry_at } = body
        return new Problem(response.status, code, detail ?? '', field ?? undefined, parameter ?? undefined, retry_at ?? undefined)
      }
    } catch {
      // Somebody in between answered.
    }
    return new Problem(response.status, 'unreadable', text.slice(0, 300))
  }

  static unreachable(error: unknown): Problem {
    return new Problem(0, 'unreachable', error instanceof Error ? error.message : String(error))
  }
}

/** Whatever was thrown, as a problem. */
export function problemOf(thrown: unknown): Problem {
  return thrown instanceof Problem ? thrown : new Problem(0, 'unexpected', thrown instanceof Error ? thrown.message : String(thrown))
}
