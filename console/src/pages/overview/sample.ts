/** Answers of the API for tests: as much of each as is looked at. */
import type { Account, Alert, Facts, Issue, Overview, Platform, Trend } from './state'

const START = Date.UTC(2026, 2, 4, 2, 0)

export function minute(at: number): number {
  return START + at * 60_000
}

/** A trend by minutes: `failures/requests that count`. */
export function trend(platform: Platform, steps: string[]): Trend {
  const points = steps.map((step, at) => {
    const [failures = 0, of = 0] = step.split('/').map(Number)
    const sla = { part: of - failures, of, percent: of === 0 ? null : ((of - failures) / of) * 100 }
    return { start_time: new Date(minute(at)).toISOString(), requests: of, failures, recovered: 0, sla }
  })
  return { platform, stepMs: 60_000, points: points as Trend['points'] }
}

interface Given {
  trends: Trend[]
  accounts?: Account[]
  alerts?: Alert[]
  issues?: Issue[]
  requests?: number
  recovered?: number
  sla?: number
  threshold?: number
  isNow?: boolean
}

export function facts({ trends, accounts = [], alerts = [], issues = [], requests = 12_340, recovered = 0, sla = 99.98, threshold, isNow = true }: Given): Facts {
  const overview = {
    counts: { requests, recovered, failures: 0 },
    sla: { percent: sla, part: 0, of: requests },
    error_rate: { percent: 100 - sla, part: 0, of: requests },
    thresholds: { sla_percent_min: threshold === undefined ? { state: 'off' } : { value: sla, threshold, state: 'ok' } },
  }
  const end = minute(Math.max(1, ...trends.map(({ points }) => points.length)))
  return { overview: overview as unknown as Overview, trends, accounts, alerts, issues, now: end, isNow }
}

export function accountOf(account_name: string, status: Account['status'], platform: Platform = 'anthropic', since = 41): Account {
  const marks = status === 'active' ? [] : [{ kind: status, scope: 'account', since: new Date(minute(since)).toISOString() }]
  return { account_id: 3, account_name, status, platform, available: status === 'active', marks } as unknown as Account
}

export function issueOf(title: string, given: Partial<Issue>): Issue {
  return { fingerprint: 'f00d', title, count: 9, platform: 'anthropic', state: 'new', ...given } as unknown as Issue
}

export function alertOf(severity: Alert['severity']): Alert {
  return { rule_id: 4, severity, scope: {}, evidence: { rule_name: 'Too many errors' } } as unknown as Alert
}
