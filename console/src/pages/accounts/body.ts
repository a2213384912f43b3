/**
 * What an account's form holds, and what the API is sent of it. Pure. Secrets are in a form only where somebody has
 * just typed them: of what is stored the API shows none, so that they are kept, replaced or taken away as a whole.
 */
import type { Of } from '../../api/client'
import { changes, numberOf } from '../../parts/problem-field'
import type { Account } from './data'

export type Kind = Of<'CredentialKind'>
/** What becomes of a secret that is stored already. */
export type Fate = 'keep' | 'replace' | 'remove'
export type Num = number | string

export interface Rule {
  name: string
  statuses: string[]
  contains: string
  cause: string
  state: string
  for_seconds: Num
  scope: Of<'RuleScope'>
}

export interface Values {
  name: string
  platform: Of<'Platform'>
  base_url: string
  fallback_urls: string[]
  apis: string[]
  project: string
  groups: string[]
  models: string[]
  model_mapping: { from: string; to: string }[]
  concurrency: Num
  priority: Num
  http_version: Of<'HttpVersion'>
  quota: { requests_per_minute: Num; tokens_per_minute: Num; requests_per_day: Num; tokens_per_day: Num }
  counted_statuses: string[]
  probe: { on: boolean; model: string; every_seconds: Num }
  state_rules: Rule[]
  disabled: boolean
  credentialFate: Fate
  credential: { kind: Kind; api_key: string; refresh_token: string; client_id: string; client_secret: string; token_url: string; service_account: string; scopes: string[] }
  proxyFate: Fate
  proxy: string
  headersFate: Fate
  headers: { name: string; value: string }[]
}

/** Paths of the API that the form shows. */
export const FIELDS = [
  'name', 'platform', 'base_url', 'fallback_urls', 'apis', 'project', 'groups', 'models', 'model_mapping.*.from', 'model_mapping.*.to', 'concurrency', 'priority', 'http_version',
  'quota.requests_per_minute', 'quota.tokens_per_minute', 'quota.requests_per_day', 'quota.tokens_per_day', 'counted_statuses', 'probe.model', 'probe.every_seconds',
  'state_rules.*.name', 'state_rules.*.statuses', 'state_rules.*.contains', 'state_rules.*.cause', 'state_rules.*.state', 'state_rules.*.for_seconds',
  'credential.api_key', 'credential.refresh_token', 'credential.client_id', 'credential.client_secret', 'credential.token_url', 'credential.service_account', 'credential.scopes', 'proxy', 'headers',
] as const

export function blank(): Values {
  return {
    name: '', platform: 'anthropic', base_url: '', fallback_urls: [], apis: [], project: '', groups: [], models: [], model_mapping: [], concurrency: '', priority: 0, http_version: 'auto',
    quota: { requests_per_minute: '', tokens_per_minute: '', requests_per_day: '', tokens_per_day: '' },
    counted_statuses: [], probe: { on: false, model: '', every_seconds: '' }, state_rules: [], disabled: false,
    credentialFate: 'replace',
    credential: { kind: 'api_key', api_key: '', refresh_token: '', client_id: '', client_secret: '', token_url: '', service_account: '', scopes: [] },
    proxyFate: 'replace', proxy: '', headersFate: 'replace', headers: [],
  }
}

export function valuesOf(account: Account): Values {
  const empty = blank()
  const { quota, probe, credential } = account
  return {
    ...empty,
    name: account.name,
    platform: account.platform,
    base_url: account.base_url,
    fallback_urls: account.fallback_urls,
    apis: account.apis,
    project: account.project ?? '',
    groups: account.groups,
    models: account.models,
    model_mapping: account.model_mapping.map(({ from, to }) => ({ from, to })),
    concurrency: account.concurrency ?? '',
    priority: account.priority,
    http_version: account.http_version,
    quota: { requests_per_minute: quota.requests_per_minute ?? '', tokens_per_minute: quota.tokens_per_minute ?? '', requests_per_day: quota.requests_per_day ?? '', tokens_per_day: quota.tokens_per_day ?? '' },
    counted_statuses: (account.counted_statuses ?? []).map(String),
    probe: { on: Boolean(probe), model: probe?.model ?? '', every_seconds: probe?.every_seconds ?? '' },
    state_rules: account.state_rules.map(ruleValues),
    disabled: account.status === 'disabled',
    credentialFate: 'keep',
    credential: { ...empty.credential, kind: credential.kind ?? 'api_key' },
    proxyFate: 'keep',
    headersFate: 'keep',
    headers: account.headers.map((name) => ({ name, value: '' })),
  }
}

export function ruleValues(rule: Of<'StateRule'>): Rule {
  return { name: rule.name, statuses: (rule.statuses ?? []).map(String), contains: rule.contains ?? '', cause: rule.cause ?? '', state: rule.state ?? '', for_seconds: rule.for_seconds || '', scope: rule.scope ?? 'account' }
}

export const newRule = (): Rule => ({ name: '', statuses: [], contains: '', cause: '', state: '', for_seconds: '', scope: 'account' })

export function ruleBody({ name, statuses, contains, cause, state, for_seconds, scope }: Rule): Of<'StateRule'> {
  return { name, statuses: statuses.map(Number), contains: contains || null, cause: (cause || null) as Of<'Cause'> | null, state: (state || null) as Of<'MarkKind'> | null, for_seconds: state ? (numberOf(for_seconds) ?? 0) : 0, scope }
}

/** Where an account's provider is where nobody says otherwise. */
export const HOSTS: Record<Values['platform'], string> = { anthropic: 'https://api.anthropic.com', openai: 'https://api.openai.com', gemini: 'https://generativelanguage.googleapis.com', antigravity: 'https://cloudcode-pa.googleapis.com' }
/** What an account of OpenAI's kind speaks where nobody says otherwise. */
export const APIS: readonly Of<'OpenAiApi'>[] = ['chat_completions', 'responses']

/** What is no secret; what a field says that was left empty is not in it. */
function open(values: Values) {
  const { probe, quota } = values
  return {
    name: values.name.trim(),
    fallback_urls: values.fallback_urls,
    groups: values.groups,
    models: values.models,
    model_mapping: values.model_mapping,
    concurrency: numberOf(values.concurrency),
    priority: numberOf(values.priority) ?? 0,
    http_version: values.http_version,
    quota: { requests_per_minute: numberOf(quota.requests_per_minute), tokens_per_minute: numberOf(quota.tokens_per_minute), requests_per_day: numberOf(quota.requests_per_day), tokens_per_day: numberOf(quota.tokens_per_day) },
    counted_statuses: values.counted_statuses.length > 0 ? values.counted_statuses.map(Number) : null,
    probe: probe.on ? { model: probe.model || null, every_seconds: numberOf(probe.every_seconds) } : null,
    state_rules: values.state_rules.map(ruleBody),
    ...(values.base_url.trim() ? { base_url: values.base_url.trim() } : {}),
    ...(values.platform === 'openai' && values.apis.length > 0 ? { apis: values.apis as Of<'OpenAiApi'>[] } : {}),
    ...(values.platform === 'antigravity' ? { project: values.project || null } : {}),
  }
}

/**
 * The same of an account that is there. What a change leaves out stays, and the API has no word for what it was
 * without one: what was emptied is said in full.
 */
function stands(values: Values) {
  return { base_url: HOSTS[values.platform], ...(values.platform === 'openai' ? { apis: [...APIS] } : {}), ...open(values) }
}

/** The credential as it was typed: of its kind alone. */
export function credentialBody({ kind, ...given }: Values['credential']): Of<'CredentialForm'> {
  const scopes = given.scopes.length > 0 ? { scopes: given.scopes } : {}
  const url = given.token_url ? { token_url: given.token_url } : {}
  const bodies: Record<Kind, () => Of<'CredentialForm'>> = {
    api_key: () => ({ api_key: given.api_key }),
    refresh_token: () => ({ refresh_token: given.refresh_token, client_id: given.client_id, ...(given.client_secret ? { client_secret: given.client_secret } : {}), ...url }),
    service_account: () => ({ service_account: given.service_account, ...scopes }),
  }
  return bodies[kind]()
}

const headersBody = (headers: Values['headers']) => Object.fromEntries(headers.filter(({ name }) => name).map(({ name, value }) => [name, value]))

export function formBody(values: Values): Of<'AccountForm'> {
  const headers = headersBody(values.headers)
  return {
    ...open(values),
    platform: values.platform,
    credential: credentialBody(values.credential),
    status: values.disabled ? 'disabled' : 'active',
    ...(values.proxy ? { proxy: values.proxy } : {}),
    ...(Object.keys(headers).length > 0 ? { headers } : {}),
  }
}

/** Only what was changed. */
export function patchBody(before: Values, after: Values): Of<'AccountPatch'> {
  const fate = (fate: Fate, name: string, replaced: unknown) => (fate === 'keep' ? {} : { [name]: fate === 'remove' ? null : replaced })
  return {
    ...changes(stands(before), stands(after)),
    ...(after.credentialFate === 'replace' ? { credential: credentialBody(after.credential) } : {}),
    ...fate(after.proxyFate, 'proxy', after.proxy),
    ...fate(after.headersFate, 'headers', headersBody(after.headers)),
  }
}

/** What cannot be saved as it is; the rest is for the API to judge. */
export function mistakes(values: Values, needed: string): Record<string, string> {
  const { credential, credentialFate } = values
  const kinds: Record<Kind, (keyof Values['credential'])[]> = { api_key: ['api_key'], refresh_token: ['refresh_token', 'client_id'], service_account: ['service_account'] }
  const missing = credentialFate === 'replace' ? kinds[credential.kind].filter((name) => !credential[name].length).map((name) => `credential.${name}`) : []
  if (!values.name.trim()) missing.push('name')
  // Replacing headers replaces all: one whose value was not typed again would be sent along empty.
  if (values.headersFate === 'replace') missing.push(...values.headers.flatMap(({ name, value }, row) => (!name === !value ? [] : [`headers.${row}.${name ? 'value' : 'name'}`])))
  return Object.fromEntries(missing.map((path) => [path, needed]))
}
