/** The rules that say when somebody is woken. */
import { Button, Group, Table, Text, UnstyledButton } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api } from '../../api/client'
import { useMay } from '../../app/session'
import { Aside, SureButton } from '../../parts/aside'
import { SeverityBadge } from '../../parts/badges'
import { nameOf, useAccountChoices, useChannelChoices, useGroupChoices, useKeyChoices, useObjectiveChoices } from '../../parts/choices'
import { useJoined } from '../../parts/joined'
import { Empty, Failed, Loading } from '../../parts/states'
import { unlessNewer } from '../../parts/meanwhile'
import { Turn } from '../../parts/turn'
import { readRule, useAgain, useRules, useStands } from './asking'
import { bodyOf } from './form'
import { METRICS, type Rule, valued } from './kinds'
import { RuleForm } from './rule-form'

export function Rules() {
  const { t } = useTranslation(['alerts', 'common'])
  const mayChange = useMay('admin')
  const { query, rules } = useRules()
  const [edited, setEdited] = useState<Rule | 'new'>()
  const add = mayChange && (
    <Button size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setEdited('new')}>
      {t('act.add')}
    </Button>
  )
  return (
    <>
      <Group justify="end" mb="xs">
        {add}
      </Group>
      {rules ? (
        rules.length === 0 ? (
          <Empty>{t('rulesNone')}</Empty>
        ) : (
          <RuleTable rules={rules} open={setEdited} />
        )
      ) : query.isError ? (
        <Failed thrown={query.error} retry={() => void query.refetch()} />
      ) : (
        <Loading rows={11} />
      )}
      <Aside open={Boolean(edited)} close={() => setEdited(undefined)} title={t(edited === 'new' ? 'form.new' : 'form.edit')} size="xl">
        {edited && <RuleForm rule={edited === 'new' ? undefined : edited} close={() => setEdited(undefined)} />}
      </Aside>
    </>
  )
}

function RuleTable({ rules, open }: { rules: readonly Rule[]; open: (rule: Rule) => void }) {
  const { t } = useTranslation(['alerts', 'common'])
  return (
    <Table.ScrollContainer minWidth={860}>
      <Table fz="sm" verticalSpacing={6} highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('column.on')}</Table.Th>
            <Table.Th>{t('column.name')}</Table.Th>
            <Table.Th>{t('column.severity')}</Table.Th>
            <Table.Th>{t('column.condition')}</Table.Th>
            <Table.Th miw={70}>{t('column.filter')}</Table.Th>
            <Table.Th>{t('column.channels')}</Table.Th>
            <Table.Th>{t('column.stands')}</Table.Th>
            <Table.Th aria-label={t('common:act.delete')} />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rules.map((rule) => (
            <One key={rule.id} rule={rule} open={() => open(rule)} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

function One({ rule, open }: { rule: Rule; open: () => void }) {
  const { t, i18n } = useTranslation(['alerts', 'common'])
  const mayChange = useMay('admin')
  const again = useAgain()
  const channels = useChannelChoices()
  const { list, named } = useJoined()
  const path = { params: { path: { id: rule.id } } }
  const turn = async (enabled: boolean) => {
    await unlessNewer(rule, readRule(rule.id))
    await api.PUT('/api/v1/admin/ops/alert-rules/{id}', { ...path, body: { ...bodyOf(rule), enabled } })
  }
  const remove = async () => {
    await api.DELETE('/api/v1/admin/ops/alert-rules/{id}', path)
    await again()
  }
  const value = valued(rule.threshold, METRICS[rule.metric].unit, i18n.language)
  return (
    <Table.Tr>
      <Table.Td>
        <Turn isOn={rule.enabled} mayTurn={mayChange} label={named(t('column.on'), rule.name)} turn={turn} again={again} />
      </Table.Td>
      <Table.Td>
        <UnstyledButton onClick={open} fz="sm" fw={600} className="said" c="var(--mantine-color-anchor)">
          {rule.name}
        </UnstyledButton>
      </Table.Td>
      <Table.Td>
        <SeverityBadge severity={rule.severity} />
      </Table.Td>
      <Table.Td>
        {t('condition', { metric: t(`metric.${rule.metric}`), operator: rule.operator, value, window: String(rule.window_minutes) })}
        {rule.sustained_minutes > 0 && t('common:join.clause') + t('sustained', { count: rule.sustained_minutes })}
      </Table.Td>
      <Table.Td>
        <Filtered filter={rule.filter} />
      </Table.Td>
      <Table.Td>{rule.channels.length > 0 ? list(rule.channels.map((id) => nameOf(channels, id))) : t('allChannels', { severity: rule.severity })}</Table.Td>
      <Table.Td>
        <Stands rule={rule} />
      </Table.Td>
      <Table.Td>
        {mayChange && (
          <SureButton size="compact-xs" what={t('act.deleteWhat', { name: rule.name })} act={remove}>
            {t('common:act.delete')}
          </SureButton>
        )}
      </Table.Td>
    </Table.Tr>
  )
}

function Stands({ rule }: { rule: Rule }) {
  const { t } = useTranslation('alerts')
  const { list, aside } = useJoined()
  const { data } = useStands()
  const its = data?.items.filter(({ rule_id }) => rule_id === rule.id) ?? []
  if (!rule.enabled) return <span>–</span>
  if (its.length === 0) return <span>{t('well')}</span>
  const phases = [...new Set(its.map(({ phase }) => phase as unknown as 'firing'))]
  return (
    <Text size="xs" component="span">
      {list(phases.map((phase) => aside(t(`phase.${phase}`), its.filter((one) => (one.phase as unknown) === phase).length)))}
    </Text>
  )
}

/** What a rule or a silence is kept to, by the names that people know. */
export function Filtered({ filter }: { filter: Rule['filter'] }) {
  const { t } = useTranslation('alerts')
  const { list } = useJoined()
  const choices = { group_id: useGroupChoices(), account_id: useAccountChoices(), api_key_id: useKeyChoices(), objective_id: useObjectiveChoices(), platform: [], model: [] }
  const given = (Object.keys(choices) as (keyof typeof choices)[]).filter((name) => filter[name] !== null && filter[name] !== undefined)
  if (given.length === 0) return <span>{t('everything')}</span>
  const value = (name: keyof typeof choices) => (name === 'platform' || name === 'model' ? filter[name] : nameOf(choices[name], filter[name]))
  return <span className="said">{list(given.map((name) => `${t(`filter.${name}`)} ${value(name)}`))}</span>
}
