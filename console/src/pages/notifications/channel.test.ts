import { expect, test } from 'vitest'
import { formOf, valuesOf } from './channel'

const empty = valuesOf(undefined)

test('a secret that was not typed is not sent, so that it is kept', () => {
  expect(formOf({ ...empty, name: 'ops' }, false)).not.toHaveProperty('url')
  expect(formOf({ ...empty, name: 'ops' }, false)).not.toHaveProperty('signing_secret')
})

test('a signing secret is taken away when somebody says so', () => {
  expect(formOf({ ...empty, unsign: true }, false).signing_secret).toBeNull()
  expect(formOf({ ...empty, unsign: true, signing_secret: 'new' }, false).signing_secret).toBe('new')
})

test('PagerDuty’s own address is taken again when somebody says so', () => {
  expect(formOf({ ...empty, kind: 'pagerduty', plain: true, routing_key: 'k' }, false)).toMatchObject({ url: null, routing_key: 'k' })
  expect(formOf({ ...empty, kind: 'pagerduty', plain: true, url: 'https://events.example' }, false).url).toBe('https://events.example')
  expect(formOf({ ...empty, kind: 'slack', plain: true }, false)).not.toHaveProperty('url')
})

test('only fields of the kind are sent', () => {
  const pagerduty = formOf({ ...empty, kind: 'pagerduty', routing_key: 'k', signing_secret: 's', group_seconds: 30 }, true)
  expect(pagerduty).toMatchObject({ kind: 'pagerduty', routing_key: 'k' })
  expect(pagerduty).not.toHaveProperty('signing_secret')
  expect(pagerduty).not.toHaveProperty('group_seconds')
})

test('the kind of one that is there is not sent', () => {
  expect(formOf(empty, false)).not.toHaveProperty('kind')
})

test('mail has no address of its own, and an empty user name is none', () => {
  const mail = formOf({ ...empty, kind: 'email', url: 'x', email: { ...empty.email, to: ['a@b'], host: 'h' } }, true)
  expect(mail).not.toHaveProperty('url')
  expect(mail.email).toMatchObject({ to: ['a@b'], host: 'h', port: null, username: null })
  expect(mail.email).not.toHaveProperty('password')
})
