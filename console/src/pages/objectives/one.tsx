/** One objective: what is promised, what was reached, what is left, and how fast that is spent. */
import { Button, Group, Menu, Paper, Progress, Stack, Table, Text, Title } from '@mantine/core'
import { IconAlertTriangle, IconCircleCheck, IconDownload } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { $api, address, api, type Of } from '../../api/client'
import { useMay } from '../../app/session'
import { numberFormat } from '../../parts/format'
import { SureButton } from '../../parts/aside'
import { nameOf, useGroupChoices } from '../../parts/choices'
import { FactsGrid } from '../../parts/facts-grid'
import { useJoined } from '../../parts/joined'
import { count, duration, percent, relative } from '../../parts/number'
import { useNow } from '../../parts/now'
import { Loaded } from '../../parts/states'
import { When } from '../../parts/when'
import { useSaidWindow, useWindow } from '../../parts/window'
import { useAgain } from './asking'
import type { Objective } from './kinds'

type Level = Of<'LevelNow'>

export function One({ objective, edit }: { objective: Objective; edit: () => void }) {
  const found = $api.useQuery('get', '/api/v1/admin/ops/objectives/{id}', { params: { path: { id: objective.id } } }, { refetchInterval: 30_000 })
  return (
    <Paper component="article" withBorder p="sm" aria-label={objective.name}>
      <Group justify="space-between" align="start" gap="xs" mb="xs">
        <div>
          <Title order={2} size="h5" className="said">
            {objective.name}
          </Title>
          <Promised objective={objective} />
        </div>
        <Acts objective={objective} edit={edit} />
      </Group>
      <Loaded query={found} rows={5}>
        {({ level }) => <Stands level={level} />}
      </Loaded>
    </Paper>
  )
}

function Promised({ objective }: { objective: Objective }) {
  const { t, i18n } = useTranslation('watch')
  const groups = useGroupChoices()
  const { list } = useJoined()
  const { goal = 'availability', side = 'client', within_ms, window_days = 30, target_percent } = objective
  const target = `${numberFormat(i18n.language, { maximumFractionDigits: 4 }).format(target_percent)} %`
  const promised = t('objectives.promised', { target, goal: t(`objectives.goal.${goal}`), days: String(window_days) })
  const scope = list([objective.platform, nameOf(groups, objective.group_id), objective.model])
  return (
    <Text size="sm">
      {[promised, within_ms && t('objectives.within', { time: duration(within_ms) }), scope || t('objectives.all'), t(`objectives.side.${side}`)].filter(Boolean).join(' · ')}
    </Text>
  )
}

function Acts({ objective, edit }: { objective: Objective; edit: () => void }) {
  const { t } = useTranslation(['watch', 'common'])
  const mayChange = useMay('admin')
  const again = useAgain()
  const window = useWindow('30d')
  const said = useSaidWindow()
  const remove = async () => {
    await api.DELETE('/api/v1/admin/ops/objectives/{id}', { params: { path: { id: objective.id } } })
    await again()
  }
  const path = `ops/objectives/${objective.id}/statement`
  return (
    <Group gap="xs">
      <Menu position="bottom-end">
        <Menu.Target>
          <Button size="xs" variant="default" leftSection={<IconDownload size={14} aria-hidden />}>
            {t('objectives.statement')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{t('objectives.inWindow', { window: said(window) })}</Menu.Label>
          {(['json', 'csv', 'ledger'] as const).map((format) => (
            <Menu.Item key={format} component="a" href={address(path, { ...window, format })} download={`objective-${objective.id}-${format}.${format === 'json' ? 'json' : 'csv'}`}>
              {t(`objectives.${format}`)}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      {mayChange && (
        <>
          <Button size="xs" variant="default" onClick={edit}>
            {t('common:act.edit')}
          </Button>
          <SureButton what={t('objectives.delete', { name: objective.name })} act={remove}>
            {t('common:act.delete')}
          </SureButton>
        </>
      )}
    </Group>
  )
}

function Stands({ level }: { level: Level }) {
  const { t, i18n } = useTranslation('watch')
  const { budget, counted } = level
  const number = (value: number) => count(value, i18n.language)
  // Not everything of the window is counted yet: half of the requests would be half of the truth.
  if (!counted || !budget) return <Text size="sm">{t('objectives.incomplete')}</Text>
  if (counted.total === 0) return <Text size="sm">{t('objectives.nothing')}</Text>
  return (
    <Stack gap="xs">
      <FactsGrid
        facts={[
          [t('objectives.reached'), <b key="reached">{percent(budget.achieved_percent, i18n.language)}</b>],
          [t('objectives.counted'), number(counted.total)],
          [t('objectives.bad'), number(counted.bad)],
          [t('objectives.since'), <When key="since" at={level.start_time} as="both" />],
        ]}
      />
      <Left budget={budget} goneAt={level.gone_at} />
      <BurnRates burn={level.burn} />
      {!level.is_complete && <Text size="xs">{t('objectives.incomplete')}</Text>}
    </Stack>
  )
}

/** What is left of a budget, and when it is gone. */
interface Spent {
  budget: Of<'Budget'>
  goneAt: string | null | undefined
}

function Left({ budget, goneAt }: Spent) {
  const { t, i18n } = useTranslation('watch')
  const { named } = useJoined()
  const isOver = budget.left_percent <= 0
  const said = { left: percent(budget.left_percent, i18n.language), over: percent(-budget.left_percent, i18n.language), bad: count(budget.bad, i18n.language), allowed: count(Math.round(budget.allowed * 10) / 10, i18n.language) }
  const Icon = isOver ? IconAlertTriangle : IconCircleCheck
  return (
    <div>
      <Progress value={Math.max(0, Math.min(100, budget.left_percent))} color={budget.left_percent > 25 ? 'teal' : 'orange'} aria-label={named(t('objectives.left'), said.left)} />
      <Group gap={6} mt={4} wrap="nowrap" align="start">
        <Icon size={16} aria-hidden style={{ flexShrink: 0, marginTop: 2 }} />
        <Text size="sm">
          {t(isOver ? 'objectives.overdrawn' : 'objectives.leftSaid', said)} <Gone budget={budget} goneAt={goneAt} />
        </Text>
      </Group>
    </div>
  )
}

/** When the budget is gone if it is spent on like this. */
function Gone({ budget, goneAt }: Spent) {
  const { t, i18n } = useTranslation('watch')
  const now = useNow()
  if (budget.left_percent <= 0) return <span>{t('objectives.goneAlready')}</span>
  if (!goneAt) return <span>{t('objectives.goneNot')}</span>
  return <span title={goneAt}>{t('objectives.gone', { when: relative(Date.parse(goneAt), now, i18n.language) })}</span>
}

function BurnRates({ burn }: { burn: readonly Of<'Burn'>[] }) {
  const { t, i18n } = useTranslation('watch')
  const number = (value: number) => count(value, i18n.language)
  return (
    <Table fz="xs" verticalSpacing={3} w="auto">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('objectives.burn')}</Table.Th>
          {burn.map(({ window }) => (
            <Table.Th key={window} ta="right">
              {window}
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        <Table.Tr>
          <Table.Td>{t('objectives.rate')}</Table.Td>
          {burn.map(({ window, rate }) => (
            <Table.Td key={window} ta="right" fw={(rate ?? 0) > 1 ? 700 : 400}>
              {rate === null || rate === undefined ? '–' : `${numberFormat(i18n.language, { maximumFractionDigits: 2 }).format(rate)} ×${rate > 1 ? ' ▲' : ''}`}
            </Table.Td>
          ))}
        </Table.Tr>
        <Table.Tr>
          <Table.Td>{t('objectives.bad')}</Table.Td>
          {burn.map(({ window, counted }) => (
            <Table.Td key={window} ta="right">
              {counted ? `${number(counted.bad)} / ${number(counted.total)}` : '–'}
            </Table.Td>
          ))}
        </Table.Tr>
      </Table.Tbody>
      <Table.Caption mt={0}>{t('objectives.burnHint')}</Table.Caption>
    </Table>
  )
}
