/** What the rules as they are edited would change of what is stored. */
import { Alert, Anchor, Button, Group, Select, SimpleGrid, Stack, Table, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Of } from '../../api/client'
import { useMay } from '../../app/session'
import { count, percent } from '../../parts/number'
import { Panel } from '../../parts/panel'
import { local } from '../../parts/when'
import { isSame, type Rule } from './rule'

const SPANS = ['1h', '6h', '24h', '7d', '30d'] as const
type Span = (typeof SPANS)[number]

interface Tried {
  rules: readonly Rule[]
  preview: Of<'Preview'>
}

export function Preview({ rules, refused }: { rules: Rule[]; refused: (thrown: unknown) => void }) {
  const { t } = useTranslation('rules')
  const mayTry = useMay('operator')
  const [span, setSpan] = useState<Span>('24h')
  const [busy, setBusy] = useState(false)
  const [tried, setTried] = useState<Tried>()
  if (!mayTry) return null
  const go = () => {
    setBusy(true)
    void api
      .POST('/api/v1/admin/ops/classification-rules/preview', { params: { query: { time_range: span } }, body: { rules } })
      .then(({ data }) => data && setTried({ rules, preview: data }), refused)
      .finally(() => setBusy(false))
  }
  return (
    <Panel
      title={t('preview.title')}
      aside={
        <Group gap={6}>
          <Select size="xs" w={90} aria-label={t('preview.over')} data={[...SPANS]} value={span} onChange={(value) => setSpan((value ?? '24h') as Span)} allowDeselect={false} />
          <Button size="xs" variant="default" onClick={go} loading={busy}>
            {t('preview.go')}
          </Button>
        </Group>
      }
    >
      {tried && (
        <Stack gap="xs">
          {!isSame(tried.rules, rules) && (
            <Alert color="yellow" p="xs">
              {t('preview.stale')}
            </Alert>
          )}
          <Shown preview={tried.preview} />
        </Stack>
      )}
    </Panel>
  )
}

function Shown({ preview }: { preview: Of<'Preview'> }) {
  const { t, i18n } = useTranslation(['rules', 'common'])
  const number = (value: number) => count(value, i18n.language)
  return (
    <>
      <Text size="sm" fw={600} role="status" className="said">
        {preview.sentence}
      </Text>
      <Text size="sm">
        {t('preview.examined', { count: preview.examined, from: local(Date.parse(preview.start_time), i18n.language) })} {!preview.is_whole && t('preview.notWhole')}{' '}
        {preview.would_change_hidden > 0 && t('preview.hidden', { count: preview.would_change_hidden })}{' '}
        {preview.sla_before !== null && preview.sla_before !== undefined && `${t('preview.sla')}${t('common:join.colon')}${percent(preview.sla_before, i18n.language)} → ${percent(preview.sla_after, i18n.language)}${t('common:join.stop')}`}{' '}
        {t('preview.against', { version: String(preview.version) })}
      </Text>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <Table fz="xs" verticalSpacing={3}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('preview.rule')}</Table.Th>
              <Table.Th ta="right">{t('preview.fits')}</Table.Th>
              <Table.Th ta="right">{t('preview.changes')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {preview.rules.map(({ name, fits, changes }) => (
              <Table.Tr key={name}>
                <Table.Td className="said">{name}</Table.Td>
                <Table.Td ta="right">{number(fits)}</Table.Td>
                <Table.Td ta="right">{number(changes)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        <Table fz="xs" verticalSpacing={3}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('preview.field')}</Table.Th>
              <Table.Th>{t('preview.from')}</Table.Th>
              <Table.Th>{t('preview.to')}</Table.Th>
              <Table.Th ta="right">{t('preview.failures')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {(['cause', 'error_owner', 'severity', 'is_retryable', 'counts'] as const).flatMap((field) =>
              preview.changes[field].map(({ from, to, count: times }) => (
                <Table.Tr key={`${field} ${from} ${to}`}>
                  <Table.Td>{t(`field.${field}`)}</Table.Td>
                  <Table.Td className="mono">{from}</Table.Td>
                  <Table.Td className="mono">{to}</Table.Td>
                  <Table.Td ta="right">{number(times)}</Table.Td>
                </Table.Tr>
              )),
            )}
          </Table.Tbody>
        </Table>
      </SimpleGrid>
      {preview.samples.length > 0 && (
        <Text size="xs" component="div">
          {t('preview.samples')}
          {t('common:join.colon')}
          {preview.samples.map((id) => (
            <Anchor key={id} component={Link} to="/errors/$id" params={{ id: String(id) } as never} size="xs" mr={6}>
              {id}
            </Anchor>
          ))}
        </Text>
      )}
    </>
  )
}
