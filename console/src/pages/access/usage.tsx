/** What a user or a key may use and has used. */
import { Group, NumberInput, SimpleGrid, Table, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../api/client'
import { useJoined } from '../../parts/joined'
import { Meter } from '../../parts/meter'
import { count, usd } from '../../parts/number'
import { type LimitName, limitName, type Limits, nearest, type Unit, UNITS, WINDOWS } from './limits'

type Usage = Of<'UsageView'>

function useSay() {
  const { i18n } = useTranslation()
  return (unit: Unit) => (value: number) => (unit === 'usd' ? usd(value, i18n.language) : count(value, i18n.language))
}

/** Every window and unit; bars where there is a limit. */
export function UsageTable({ usage, limits, inFlight }: { usage: Usage; limits: Limits; inFlight: number }) {
  const { t } = useTranslation('access')
  const { clauses } = useJoined()
  const say = useSay()
  return (
    <>
      <Table.ScrollContainer minWidth={420}>
        <Table withTableBorder>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('usage.title')}</Table.Th>
              {UNITS.map((unit) => (
                <Table.Th key={unit}>{t(`unit.${unit}`)}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {([...WINDOWS, 'total'] as const).map((window) => (
              <Table.Tr key={window}>
                <Table.Th scope="row">{t(`window.${window}`)}</Table.Th>
                {UNITS.map((unit) => {
                  const name = window === 'total' ? undefined : limitName(unit, window)
                  return (
                    <Table.Td key={unit}>
                      <Meter used={usage[window][unit]} limit={name && limits[name]} label={clauses(t(`window.${window}`), t(`unit.${unit}`))} say={say(unit)} />
                    </Table.Td>
                  )
                })}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <Group gap="xs" mt="xs">
        <Text size="sm">{t('usage.inFlight')}</Text>
        <Meter used={inFlight} limit={limits.concurrency} label={t('usage.inFlight')} />
      </Group>
    </>
  )
}

/** The limit that ends first. */
export function NearestLimit({ usage, limits }: { usage: Usage; limits: Limits }) {
  const { t } = useTranslation('access')
  const say = useSay()
  const found = nearest(usage, limits)
  if (!found) return <span>{t('usage.noLimit')}</span>
  return (
    <span style={{ display: 'inline-flex', gap: 4 }}>
      <Meter used={found.used} limit={found.limit} label={t(`limit.${found.unit}_per_${found.window}` as 'limit.requests_per_day')} say={say(found.unit)} width={40} />
      <Text size="xs" span>
        {t(`unit.${found.unit}`)}/{t(`per.${found.window}`)}
      </Text>
    </span>
  )
}

interface Inputs {
  getInputProps: (path: string) => object
}

export function LimitInputs({ form }: { form: Inputs }) {
  const { t } = useTranslation('access')
  const rows: LimitName[] = ['concurrency', 'requests_per_minute', 'tokens_per_minute', 'requests_per_day', 'tokens_per_day', 'usd_per_day', 'requests_per_month', 'tokens_per_month', 'usd_per_month']
  return (
    <>
      <Text size="sm">{t('limit.hint')}</Text>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="xs">
        {rows.map((name) => {
          const isMoney = name.startsWith('usd')
          return <NumberInput key={name} label={t(`limit.${name}`)} min={isMoney ? 0 : 1} prefix={isMoney ? '$' : ''} allowDecimal={isMoney} decimalScale={6} thousandSeparator {...form.getInputProps(`limits.${name}`)} />
        })}
      </SimpleGrid>
    </>
  )
}
