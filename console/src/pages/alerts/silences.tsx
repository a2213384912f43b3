/** Who is not told, and until when. */
import { Button, Group, Table, Text } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api } from '../../api/client'
import { useMay } from '../../app/session'
import { Aside, SureButton } from '../../parts/aside'
import { useNow } from '../../parts/now'
import { Empty, Failed, Loading } from '../../parts/states'
import { When } from '../../parts/when'
import { useAgain, useRules, useSilences } from './asking'
import type { Silence } from './kinds'
import { Filtered } from './rules'
import { SilenceForm } from './silence-form'

export function Silences() {
  const { t } = useTranslation('alerts')
  const mayAct = useMay('operator')
  const { query, silences } = useSilences()
  const [edited, setEdited] = useState<Silence | 'new'>()
  return (
    <>
      <Group justify="end" mb="xs">
        {mayAct && (
          <Button size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setEdited('new')}>
            {t('act.addSilence')}
          </Button>
        )}
      </Group>
      {silences ? (
        silences.length === 0 ? (
          <Empty>{t('silencesNone')}</Empty>
        ) : (
          <SilenceTable silences={silences} edit={setEdited} />
        )
      ) : query.isError ? (
        <Failed thrown={query.error} retry={() => void query.refetch()} />
      ) : (
        <Loading rows={4} />
      )}
      <Aside open={Boolean(edited)} close={() => setEdited(undefined)} title={t('silence.title')}>
        {edited && <SilenceForm silence={edited === 'new' ? undefined : edited} close={() => setEdited(undefined)} />}
      </Aside>
    </>
  )
}

function SilenceTable({ silences, edit }: { silences: readonly Silence[]; edit: (silence: Silence) => void }) {
  const { t } = useTranslation(['alerts', 'common'])
  const { rules } = useRules()
  const again = useAgain()
  const mayAct = useMay('operator')
  const now = useNow()
  const end = async (id: number) => {
    await api.DELETE('/api/v1/admin/ops/alert-silences/{id}', { params: { path: { id } } })
    await again()
  }
  const newest = silences.toSorted((one, other) => Date.parse(other.until) - Date.parse(one.until))
  return (
    <Table.ScrollContainer minWidth={700}>
      <Table fz="sm" verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('column.status')}</Table.Th>
            <Table.Th>{t('silence.rule')}</Table.Th>
            <Table.Th>{t('column.filter')}</Table.Th>
            <Table.Th>{t('silence.until')}</Table.Th>
            <Table.Th>{t('silence.note')}</Table.Th>
            <Table.Th aria-label={t('act.endNow')} />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {newest.map((silence) => {
            const isActive = Date.parse(silence.until) > now
            return (
              <Table.Tr key={silence.id}>
                <Table.Td>{t(isActive ? 'silence.active' : 'silence.past')}</Table.Td>
                <Table.Td>{silence.rule_id ? (rules?.find(({ id }) => id === silence.rule_id)?.name ?? `#${silence.rule_id}`) : t('everything')}</Table.Td>
                <Table.Td>
                  <Filtered filter={silence} />
                </Table.Td>
                <Table.Td>
                  <When at={silence.until} as="both" />
                </Table.Td>
                <Table.Td>
                  <Text size="sm" className="said">
                    {silence.note}
                  </Text>
                  {silence.updated_by && <Text size="xs">{t('silence.by', { who: silence.updated_by })}</Text>}
                </Table.Td>
                <Table.Td>
                  {mayAct && isActive && (
                    <Group gap={4} wrap="nowrap">
                      <Button size="compact-xs" variant="default" onClick={() => edit(silence)}>
                        {t('common:act.edit')}
                      </Button>
                      <SureButton size="compact-xs" what={t('act.endWhat')} act={() => end(silence.id)}>
                        {t('act.endNow')}
                      </SureButton>
                    </Group>
                  )}
                </Table.Td>
              </Table.Tr>
            )
          })}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}
