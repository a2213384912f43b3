/**
 * How the service is: what is broken, since when, for whom. Pure: answers of the API in, one closed word with its
 * reasons out. Promises: what clients see decides; accounts, failover and alerts are reasons, never the verdict.
 */
import type { Of } from '../../api/client'
import { overThreshold } from './thresholds'

export type Overview = Of<'Overview'>
export type Platform = Of<'Platform'>
export type Alert = Of<'List_AlertEvent'>['items'][number]
export type Issue = Of<'List_IssueLog'>['items'][number]
export type Account = Of<'AccountAvailability'>

export interface Trend {
  platform: Platform
  stepMs: number
  points: Of<'ErrorPoint'>[]
}

export interface Facts {
  overview: Overview
  trends: Trend[]
  /** What stands now; nothing of it is said of a window that is over. */
  accounts: Account[]
  alerts: Alert[]
  issues: Issue[]
  now: number
  /** The window ends now. */
  isNow: boolean
}

/** From nothing to do to everything to do. `recovered`: it was degraded, and is not any more. */
export type Level = 'idle' | 'well' | 'strained' | 'recovered' | 'degraded' | 'down'

export interface State {
  level: Level
  /** Whose traffic; `all`: everybody's. */
  who: Platform[] | 'all'
  /** When it began; with `isBound`, then or before the window. */
  since?: { at: number; isBound: boolean }
  /** When it ended, if it did, or the window did. */
  until?: number
  requests: number
  servedPercent: number | null
  /** Failures that count, of the requests that count, while it lasted. */
  failed: { part: number; of: number }
  /** Failures that failover hid, in percent of those that there were. */
  coveredPercent?: number
  accounts: Account[]
  issue?: Issue
  alert?: Alert
}

/** What is served less often than this is degraded, where the operator has no threshold. */
const LEAST_PERCENT = 99.5
/** What is served less often than this is down. */
const DOWN_PERCENT = 50
/** One failure is an accident, where anything was served. */
const FEWEST = 2
/** So much time is judged at once, and so long it must be calm to be over. */
const BLOCK_MS = 5 * 60_000
/** What is calm for so many of them in between has not begun anew. */
const MOST_CALM = 2

export function stateOf(facts: Facts): State {
  const { overview, trends, now, isNow } = facts
  const least = overThreshold(overview, 'sla_percent_min')?.threshold ?? LEAST_PERCENT
  const found = trends.map((trend) => ({ platform: trend.platform, busy: trend.points.some(({ sla }) => sla.of > 0), ...stretchOf(trend, least, now, isNow) }))
  const going = found.filter(({ stretch }) => stretch?.isLast)
  const down = going.filter(({ stretch }) => stretch && percent(stretch.served, stretch.of) < DOWN_PERCENT)
  const over = found.filter(({ stretch }) => stretch)
  const [level, bad]: [Level | null, typeof found] = down.length > 0 ? ['down', down] : going.length > 0 ? ['degraded', going] : over.length > 0 && isBreached(overview, least) ? ['recovered', over] : [null, []]
  const base = { requests: overview.counts.requests, servedPercent: overview.sla.percent ?? null }
  if (level) {
    const platforms = bad.map(({ platform }) => platform)
    const isAll = bad.length > 1 && found.every(({ platform, busy }) => !busy || platforms.includes(platform))
    const stretches = bad.flatMap(({ stretch }) => (stretch ? [stretch] : []))
    const sum = (of: (one: Stretch) => number) => stretches.reduce((all, one) => all + of(one), 0)
    const first = stretches.reduce((one, other) => (other.from < one.from ? other : one))
    const ends = stretches.map(({ to }) => to)
    return {
      ...base,
      level,
      who: isAll ? 'all' : platforms,
      since: { at: first.from, isBound: first.isBound },
      until: ends.includes(null) ? undefined : Math.max(...ends.map((end) => end ?? 0)),
      failed: { part: sum(({ of, served }) => of - served), of: sum(({ of }) => of) },
      coveredPercent: covered(sum(({ recovered }) => recovered), sum(({ of, served }) => of - served)),
      accounts: accountsOut(facts.accounts, isAll ? null : platforms),
      issue: worst(facts.issues, isAll ? null : platforms),
      alert: loudest(facts.alerts, isAll ? null : platforms),
    }
  }
  const accounts = accountsOut(facts.accounts, null)
  const alert = loudest(facts.alerts, null)
  const { recovered, failures, requests } = overview.counts
  return {
    ...base,
    level: accounts.length > 0 || alert || isBreached(overview, least) ? (requests > 0 ? 'strained' : 'idle') : requests > 0 ? 'well' : 'idle',
    who: 'all',
    failed: { part: overview.error_rate.part, of: overview.error_rate.of },
    coveredPercent: covered(recovered, failures),
    accounts,
    alert,
    issue: isBreached(overview, least) ? worst(facts.issues, null) : undefined,
  }
}

export interface Stretch {
  from: number
  /** `null`: it goes on. */
  to: number | null
  /** Nothing says that it was over before the window was. */
  isLast: boolean
  /** It goes back to where the window begins. */
  isBound: boolean
  served: number
  of: number
  recovered: number
}

/**
 * The last stretch of time in which too much failed: blocks of five minutes, from the end of the window backwards,
 * begun and ended at the very steps that failed.
 */
export function stretchOf({ points, stepMs }: Pick<Trend, 'points' | 'stepMs'>, least: number, now: number, isNow: boolean): { stretch?: Stretch } {
  const blocks = blocksOf(points, Math.max(1, Math.ceil(BLOCK_MS / stepMs)))
  const last = blocks.findIndex((block) => isBad(block, least))
  if (last < 0) return {}
  let first = last
  let calm = 0
  for (let at = last + 1; at < blocks.length && calm <= MOST_CALM; at += 1) {
    const block = blocks[at] ?? []
    if (isBad(block, least)) [first, calm] = [at, 0]
    else if (sum(block).of > 0) calm += 1
  }
  const steps = blocks.slice(last, first + 1).reverse().flat()
  const failing = steps.filter(({ sla }) => sla.part < sla.of)
  const [begin, end] = [failing[0], failing.at(-1)]
  if (!begin || !end) return {}
  const from = Date.parse(begin.start_time)
  const to = Math.min(Date.parse(end.start_time) + stepMs, now)
  // Where nobody has asked for anything since, nothing says that it is over.
  const isLast = blocks.slice(0, last).every((block) => sum(block).of === 0)
  const isBound = begin === points[0]
  const during = steps.slice(steps.indexOf(begin), isLast ? undefined : steps.lastIndexOf(end) + 1)
  return { stretch: { from, to: isLast && isNow ? null : to, isLast, isBound, ...sum(during) } }
}

/** The newest first; the oldest may be short. */
function blocksOf(points: Of<'ErrorPoint'>[], size: number): Of<'ErrorPoint'>[][] {
  const blocks: Of<'ErrorPoint'>[][] = []
  for (let end = points.length; end > 0; end -= size) blocks.push(points.slice(Math.max(0, end - size), end))
  return blocks
}

function sum(points: Of<'ErrorPoint'>[]): { served: number; of: number; recovered: number } {
  return points.reduce((all, { sla, recovered }) => ({ served: all.served + sla.part, of: all.of + sla.of, recovered: all.recovered + recovered }), { served: 0, of: 0, recovered: 0 })
}

function isBad(block: Of<'ErrorPoint'>[], least: number): boolean {
  const { served, of } = sum(block)
  return of > 0 && (of - served >= FEWEST || served === 0) && percent(served, of) < least
}

function isBreached({ sla }: Overview, least: number): boolean {
  return sla.percent !== null && sla.percent !== undefined && sla.percent < least
}

function percent(part: number, of: number): number {
  return of === 0 ? 100 : (part / of) * 100
}

function covered(recovered: number, failures: number): number | undefined {
  return recovered > 0 ? percent(recovered, recovered + failures) : undefined
}

/** How bad it is that an account is so: what needs somebody comes first. */
const NEED: Record<Of<'StateWord'>, number> = { error: 0, overloaded: 1, rate_limited: 2, paused: 3, half_open: 4, active: 5, disabled: 9 }

/** Accounts that serve nobody though nobody wants it so, those that need somebody first, then the longest. */
export function accountsOut(accounts: Account[], platforms: Platform[] | null): Account[] {
  return accounts
    .filter(({ available, status, platform }) => !available && status !== 'disabled' && status !== 'active' && (!platforms || platforms.includes(platform)))
    .sort((one, other) => NEED[one.status] - NEED[other.status] || sinceOf(one) - sinceOf(other))
}

/** Since when an account is as it is. */
export function sinceOf({ marks }: Account): number {
  const whole = marks.filter(({ scope }) => scope === 'account')
  return Math.min(...(whole.length > 0 ? whole : marks).map(({ since }) => Date.parse(since)))
}

/** What clients meet most. What somebody put aside is told where nothing else is there: that it fails is not put aside. */
function worst(issues: Issue[], platforms: Platform[] | null): Issue | undefined {
  const met = issues.filter(({ count, platform, state }) => count > 0 && state !== 'resolved' && (!platforms || platforms.includes(platform)))
  return met.find(({ state }) => state !== 'ignored') ?? met[0]
}

const LOUD = ['P0', 'P1'] as const

function loudest(alerts: Alert[], platforms: Platform[] | null): Alert | undefined {
  const near = alerts.filter(({ scope }) => !platforms || !scope.platform || platforms.includes(scope.platform))
  return LOUD.map((loud) => near.findLast(({ severity }) => severity === loud)).find(Boolean)
}
