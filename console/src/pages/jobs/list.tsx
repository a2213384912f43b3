/** Every job: when it last ran, how that went, who runs it. */
import { Badge, Table, Text } from '@mantine/core'
import { IconCircleCheck, IconCircleOff, IconCircleX, IconHeartOff, IconLoader2, IconMinus } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { $api } from '../../api/client'
import { useJoined } from '../../parts/joined'
import { count, duration } from '../../parts/number'
import { useNow } from '../../parts/now'
import { Empty, Loaded } from '../../parts/states'
import { When } from '../../parts/when'
import { type JobState, jobState, took } from './job'

const STATES = {
  ok: { color: 'teal', Icon: IconCircleCheck },
  failed: { color: 'red', Icon: IconCircleX },
  running: { color: 'blue', Icon: IconLoader2 },
  silent: { color: 'orange', Icon: IconHeartOff },
  off: { color: 'gray', Icon: IconCircleOff },
  never: { color: 'gray', Icon: IconMinus },
} as const satisfies Record<JobState, unknown>

/** What is never broken over lines. */
const WHOLE = { whiteSpace: 'nowrap' } as const

export function Jobs() {
  const { t, i18n } = useTranslation('system')
  const { aside } = useJoined()
  const now = useNow()
  const jobs = $api.useQuery('get', '/api/v1/admin/ops/jobs', {}, { refetchInterval: 5_000 })
  return (
    <Loaded query={jobs} rows={10}>
      {({ items }) =>
        items.length === 0 ? (
          <Empty>{t('jobs.empty')}</Empty>
        ) : (
          <Table.ScrollContainer minWidth={900}>
            <Table verticalSpacing={4} striped>
              <Table.Thead>
                <Table.Tr>
                  {(['name', 'state', 'last', 'took', 'heartbeat', 'holder', 'runs', 'detail'] as const).map((name) => (
                    <Table.Th key={name}>{t(`jobs.column.${name}`)}</Table.Th>
                  ))}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {items.map((job) => {
                  const state = jobState(job, now)
                  const { color, Icon } = STATES[state]
                  return (
                    <Table.Tr key={job.name}>
                      <Table.Th scope="row" fw={600}>
                        <span className="mono">{job.name}</span>
                      </Table.Th>
                      <Table.Td style={WHOLE}>
                        <Badge miw="max-content" variant="light" color={color} c="var(--mantine-color-text)" tt="none" leftSection={<Icon size={13} color={`var(--mantine-color-${color}-filled)`} aria-hidden />}>
                          {t(`jobs.state.${state}`)}
                        </Badge>
                      </Table.Td>
                      <Table.Td style={WHOLE}>
                        <When at={job.finished_at ?? job.started_at} />
                      </Table.Td>
                      <Table.Td style={WHOLE}>{duration(took(job))}</Table.Td>
                      <Table.Td style={WHOLE}>
                        <When at={job.heartbeat_at} />
                      </Table.Td>
                      <Table.Td miw={90} className="said">{job.holder ?? '–'}</Table.Td>
                      <Table.Td>
                        {count(job.runs, i18n.language)}
                        {job.failures > 0 && <strong>{aside('', t('jobs.failures', { count: job.failures }))}</strong>}
                      </Table.Td>
                      <Table.Td maw={360}>
                        <Text size="xs" className="said" lineClamp={3} title={job.detail ?? undefined}>
                          {job.detail}
                        </Text>
                      </Table.Td>
                    </Table.Tr>
                  )
                })}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )
      }
    </Loaded>
  )
}
