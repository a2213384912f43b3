/** A channel as the form has it, and as the API takes it; what each kind needs. Pure. */
import type { Of } from '../../api/client'

export type Channel = Of<'ChannelView'>
export type Kind = Of<'ChannelKind'>
export type Form = Of<'ChannelForm'>

interface Needs {
  url: 'needed' | 'optional' | 'none'
  signs?: boolean
  hasKey?: boolean
  isMail?: boolean
  /** PagerDuty groups by itself. */
  groups: boolean
}

export const KINDS: Record<Kind, Needs> = {
  email: { url: 'none', isMail: true, groups: true },
  webhook: { url: 'needed', signs: true, groups: true },
  slack: { url: 'needed', groups: true },
  discord: { url: 'needed', groups: true },
  feishu: { url: 'needed', signs: true, groups: true },
  dingtalk: { url: 'needed', signs: true, groups: true },
  wecom: { url: 'needed', groups: true },
  pagerduty: { url: 'optional', hasKey: true, groups: false },
}

export interface Values {
  kind: Kind
  name: string
  enabled: boolean
  min_severity: Of<'Severity'>
  group_seconds: number | ''
  max_per_hour: number | ''
  send_resolved: boolean
  url: string
  /** The kind's own address again. */
  plain: boolean
  signing_secret: string
  unsign: boolean
  routing_key: string
  email: { to: string[]; from: string; host: string; port: number | ''; security: Of<'SmtpSecurity'>; username: string; password: string }
}

export const FIELDS = [
  'kind', 'name', 'enabled', 'min_severity', 'group_seconds', 'max_per_hour', 'send_resolved', 'url', 'signing_secret', 'routing_key',
  'email.to', 'email.from', 'email.host', 'email.port', 'email.security', 'email.username', 'email.password',
] as const

/** Secrets are never shown again: their fields begin empty, and empty keeps them. */
export function valuesOf(channel: Channel | undefined): Values {
  const email = channel?.email
  return {
    kind: channel?.kind ?? 'webhook',
    name: channel?.name ?? '',
    enabled: channel?.enabled ?? true,
    min_severity: channel?.min_severity ?? 'P2',
    group_seconds: channel?.group_seconds ?? 0,
    max_per_hour: channel?.max_per_hour ?? '',
    send_resolved: channel?.send_resolved ?? true,
    url: '',
    plain: false,
    signing_secret: '',
    unsign: false,
    routing_key: '',
    email: {
      to: email?.to ?? [],
      from: email?.from ?? '',
      host: email?.host ?? '',
      port: email?.port ?? '',
      security: email?.security ?? 'starttls',
      username: email?.username ?? '',
      password: '',
    },
  }
}

/** What the API takes: of secrets those that were typed, and of the kind's fields alone. */
export function formOf(values: Values, isNew: boolean): Form {
  const { url, signs, hasKey, isMail, groups } = KINDS[values.kind]
  return {
    ...(isNew ? { kind: values.kind } : {}),
    name: values.name,
    enabled: values.enabled,
    min_severity: values.min_severity,
    send_resolved: values.send_resolved,
    ...(groups ? { group_seconds: Number(values.group_seconds), max_per_hour: values.max_per_hour === '' ? null : values.max_per_hour } : {}),
    ...(url !== 'none' && values.url ? { url: values.url } : {}),
    ...(url === 'optional' && values.plain && !values.url ? { url: null } : {}),
    ...(signs && values.signing_secret ? { signing_secret: values.signing_secret } : {}),
    ...(signs && values.unsign && !values.signing_secret ? { signing_secret: null } : {}),
    ...(hasKey && values.routing_key ? { routing_key: values.routing_key } : {}),
    ...(isMail ? { email: mailOf(values.email) } : {}),
  }
}

function mailOf({ to, from, host, port, security, username, password }: Values['email']): Of<'EmailForm'> {
  return { to, from, host, port: port === '' ? null : port, security, username: username || null, ...(password ? { password } : {}) }
}
