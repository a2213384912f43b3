/** What was sent and what came back: bodies and headers, of the client's request and of each attempt. */
import { Stack, Tabs, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../api/client'
import { Body, Headers } from '../../parts/json/payload'
import { bytes } from '../../parts/number'

type Attempt = Of<'UpstreamErrorEvent'>

export function Payloads({ error }: { error: Of<'ErrorLogDetail'> }) {
  const { t } = useTranslation('errors')
  const withheld = error.withheld ?? []
  const size = error.request_body_truncated ? t('body.truncated', { size: bytes(error.request_body_bytes) }) : bytes(error.request_body_bytes)
  return (
    <>
      {withheld.length > 0 && (
        <Text size="sm" mb="xs">
          {t('body.role')}
        </Text>
      )}
      <Tabs defaultValue="request" keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="request">{t('body.request')}</Tabs.Tab>
          <Tabs.Tab value="response">{t('body.response')}</Tabs.Tab>
          {error.attempts.map(({ id, attempt, account_name }) => (
            <Tabs.Tab key={id} value={String(id)}>
              {attempt}. {account_name}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="request" pt="xs">
          <Stack gap="sm">
            <Body title={t('body.requestBody')} text={error.request_body} isWithheld={withheld.includes('request_body')} note={size} />
            <Headers title={t('body.requestHeaders')} text={error.request_headers} isWithheld={withheld.includes('request_headers')} />
          </Stack>
        </Tabs.Panel>
        <Tabs.Panel value="response" pt="xs">
          <Body title={t('body.errorBody')} text={error.error_body} isWithheld={withheld.includes('error_body')} />
        </Tabs.Panel>
        {error.attempts.map((attempt) => (
          <Tabs.Panel key={attempt.id} value={String(attempt.id)} pt="xs">
            <OfAttempt attempt={attempt} />
          </Tabs.Panel>
        ))}
      </Tabs>
    </>
  )
}

/** Of one attempt: what the provider answered, and what it was sent. */
export function OfAttempt({ attempt }: { attempt: Attempt }) {
  const { t } = useTranslation('errors')
  const withheld = attempt.withheld ?? []
  return (
    <Stack gap="sm">
      <Body title={t('body.providerBody')} text={attempt.response_body} isWithheld={withheld.includes('response_body')} />
      <Headers title={t('body.providerHeaders')} text={attempt.response_headers} isWithheld={withheld.includes('response_headers')} />
      <Headers title={t('body.sentHeaders')} text={attempt.request_headers} isWithheld={withheld.includes('request_headers')} />
    </Stack>
  )
}
