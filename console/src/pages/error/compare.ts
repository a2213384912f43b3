/** The old answer and the new one, side by side. Pure. */
import type { Of } from '../../api/client'

/** What is compared, in the order in which it is read. */
export const COMPARED = ['status', 'cause', 'message', 'account', 'duration', 'answer'] as const

export type Compared = (typeof COMPARED)[number]

export interface Line {
  what: Compared
  before: string | number | null
  after: string | number | null
  isSame: boolean
}

type Before = Pick<Of<'ErrorLogDetail'>, 'status_code' | 'cause' | 'message' | 'account_name' | 'latency_ms' | 'error_body'>
type After = Pick<Of<'RetryAttempt'>, 'http_status_code' | 'result_cause' | 'error_message' | 'used_account_id' | 'duration_ms' | 'response_preview'>

/** `accountName` is that of the account which answered now. */
export function compared(before: Before, after: After, accountName: string | undefined): Line[] {
  const pairs: Record<Compared, [Line['before'] | undefined, Line['after'] | undefined]> = {
    status: [before.status_code, after.http_status_code],
    cause: [before.cause, after.result_cause],
    message: [before.message, after.error_message],
    account: [before.account_name, accountName],
    duration: [before.latency_ms, after.duration_ms],
    answer: [before.error_body, after.response_preview],
  }
  return COMPARED.map((what) => {
    const [was = null, is = null] = pairs[what]
    return { what, before: was, after: is, isSame: was === is }
  })
}
