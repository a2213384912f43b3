/** What is used of an account's limits now. */
import { Group, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Meter } from '../../parts/meter'
import { duration } from '../../parts/number'
import { type Account, useStandings } from '../accounts/data'

export function Use({ account }: { account: Account }) {
  const { t } = useTranslation('accounts')
  const standing = useStandings().get(account.id)
  return (
    <Stack gap={6} mih={60}>
      <Row label={t('column.inFlight')}>
        <Meter used={standing?.in_flight ?? account.in_flight} limit={account.concurrency} label={t('column.inFlight')} width={110} />
      </Row>
      {standing?.quota.map(({ unit, window, used, limit }) => {
        const label = `${t(`quota.unit.${unit as string as 'requests' | 'tokens'}`)}/${t(`quota.window.${window as 'minute' | 'day'}`)}`
        return (
          <Row key={label} label={label}>
            <Meter used={used} limit={limit} label={label} width={110} />
          </Row>
        )
      })}
      {standing?.quota.length === 0 && <Text size="xs">{t('quota.none')}</Text>}
      <Row label={t('one.latency')}>
        <Text size="xs">{duration(standing?.latency_ms)}</Text>
      </Row>
    </Stack>
  )
}

function Row({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <Group justify="space-between" gap="xs">
      <Text size="sm">{label}</Text>
      {children}
    </Group>
  )
}
