/** What is firing now, the worst first; and what is broken and has not lasted long enough. */
import { Anchor, Group, Paper, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { $api } from '../../api/client'
import { useAsked } from '../../parts/asked'
import { SeverityBadge } from '../../parts/badges'
import { Panel } from '../../parts/panel'
import { Empty, Loaded } from '../../parts/states'
import { When } from '../../parts/when'
import { EventActs } from './acts'
import { useRules, useStands } from './asking'
import { Subject } from './event'
import type { Event } from './kinds'
import { SilencedMark } from './silenced-mark'

export function Firing() {
  const { t } = useTranslation('alerts')
  const found = $api.useQuery('get', '/api/v1/admin/ops/alert-events', { params: { query: { status: 'firing', page_size: 500 } } }, { refetchInterval: 10_000 })
  return (
    <Stack gap="sm">
      <Loaded query={found} rows={8}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>{t('nothingFires')}</Empty>
          ) : (
            <Stack gap="xs">
              {items.toSorted((one, other) => one.severity.localeCompare(other.severity) || other.id - one.id).map((event) => (
                <One key={event.id} event={event} />
              ))}
            </Stack>
          )
        }
      </Loaded>
      <NotWell />
    </Stack>
  )
}

function One({ event }: { event: Event }) {
  const { t } = useTranslation('alerts')
  const [, ask] = useAsked()
  return (
    <Paper withBorder p="sm" component="article">
      <Group justify="space-between" align="start" gap="xs">
        <Stack gap={4} miw={0} flex="1 1 320px">
          <Group gap="xs">
            <SeverityBadge severity={event.severity} />
            <Text size="sm" fw={600} component="span" className="said">
              {event.evidence.rule_name}
            </Text>
            <Text size="xs" component="span">
              <When at={event.fired_at} as="both" />
            </Text>
          </Group>
          <Anchor component="button" type="button" size="sm" ta="start" className="said" onClick={() => ask({ event: String(event.id) })}>
            {event.evidence.sentence}
          </Anchor>
          {event.acknowledged_at && (
            <Text size="xs">
              {t('taken')} <When at={event.acknowledged_at} /> {event.acknowledged_by && t('takenBy', { who: event.acknowledged_by })}
            </Text>
          )}
          <SilencedMark event={event} />
          {!event.told && <Text size="xs">{t('notTold')}</Text>}
        </Stack>
        <EventActs event={event} />
      </Group>
    </Paper>
  )
}

function NotWell() {
  const { t } = useTranslation('alerts')
  const { data } = useStands()
  const { rules } = useRules()
  const others = data?.items.filter(({ phase }) => String(phase) !== 'firing') ?? []
  if (others.length === 0) return null
  return (
    <Panel title={t('notWell')}>
      <Stack gap={4}>
        {others.map(({ rule_id, subject, phase, since }) => (
          <Group key={`${rule_id} ${subject}`} gap="xs">
            <Text size="sm" component="span" fw={500}>
              {rules?.find(({ id }) => id === rule_id)?.name ?? `#${rule_id}`}
            </Text>
            <Subject subject={subject} />
            <Text size="sm" component="span">
              {t(`phase.${phase as unknown as 'pending'}`)} · <When at={since} />
            </Text>
          </Group>
        ))}
      </Stack>
    </Panel>
  )
}
