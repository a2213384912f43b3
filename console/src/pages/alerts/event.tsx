/** One event, over the page: what was read when it began, what to do, and who was told. */
import { Anchor, Stack, Table, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { $api } from '../../api/client'
import { SeverityBadge } from '../../parts/badges'
import { useAsked } from '../../parts/asked'
import { Aside } from '../../parts/aside'
import { FactsGrid } from '../../parts/facts-grid'
import { count } from '../../parts/number'
import { Panel } from '../../parts/panel'
import { Loaded } from '../../parts/states'
import { When } from '../../parts/when'
import { DeliveryState } from '../notifications/state'
import { EventActs } from './acts'
import { type Event, placeOf, valued } from './kinds'
import { SilencedMark } from './silenced-mark'
import { EventStatusBadge } from './status'

/** The event that the address names as `event`. */
export function EventAside() {
  const { t } = useTranslation('alerts')
  const [asked, ask] = useAsked()
  const id = Number(asked.event)
  const isOpen = Number.isInteger(id) && id > 0
  return (
    <Aside open={isOpen} close={() => ask({ event: undefined })} title={t('event', { id: asked.event ?? '' })}>
      {isOpen && <One id={id} />}
    </Aside>
  )
}

function One({ id }: { id: number }) {
  const found = $api.useQuery('get', '/api/v1/admin/ops/alert-events/{id}', { params: { path: { id } } }, { refetchInterval: 10_000 })
  return <Loaded query={found}>{(event) => <Shown event={event} />}</Loaded>
}

function Shown({ event }: { event: Event }) {
  const { t, i18n } = useTranslation('alerts')
  const { evidence } = event
  return (
    <Stack gap="sm">
      <Text fw={600} className="said">
        {evidence.sentence}
      </Text>
      <SilencedMark event={event} />
      <EventActs event={event} />
      {evidence.note && (
        <Panel title={t('note')}>
          <Text size="sm" className="said">
            {evidence.note}
          </Text>
        </Panel>
      )}
      <FactsGrid
        facts={[
          [t('column.status'), <EventStatusBadge key="status" status={event.status} />],
          [t('severity'), <SeverityBadge key="severity" severity={event.severity} />],
          [t('rule'), evidence.rule_name],
          [t('about'), evidence.about ? <span className="said">{evidence.about}</span> : t('everything')],
          [t('look'), <Subject key="look" subject={event.subject} />],
          [t('began'), <When key="began" at={event.fired_at} as="both" />],
          [t('over'), event.resolved_at ? <When key="over" at={event.resolved_at} as="both" /> : null],
          [t('endedBy'), event.resolved_by],
          [t('taken'), event.acknowledged_at ? <Taken key="taken" event={event} /> : null],
          [t('value'), valued(evidence.value, evidence.unit, i18n.language)],
          [t('threshold'), `${evidence.operator} ${valued(evidence.threshold, evidence.unit, i18n.language)}`],
          [t('window'), t('minutes', { count: evidence.window_minutes })],
          [t('samples'), count(evidence.samples, i18n.language)],
        ]}
      />
      <Told event={event} />
    </Stack>
  )
}

function Taken({ event }: { event: Event }) {
  const { t } = useTranslation('alerts')
  return (
    <>
      <When at={event.acknowledged_at} as="both" /> {event.acknowledged_by && t('takenBy', { who: event.acknowledged_by })}
    </>
  )
}

/** The way to what an event is about. */
export function Subject({ subject }: { subject: string }) {
  const place = placeOf(subject)
  if (!place) return <span className="mono">{subject}</span>
  const to = { account: { to: '/accounts/$id', params: { id: place.id } }, issue: { to: '/issues/$fingerprint', params: { fingerprint: place.id } }, objective: { to: '/objectives' } }[place.kind]
  return (
    <Anchor component={Link} {...(to as { to: '/objectives' })} size="sm" className="mono said">
      {subject}
    </Anchor>
  )
}

function Told({ event }: { event: Event }) {
  const { t } = useTranslation('alerts')
  const found = $api.useQuery('get', '/api/v1/admin/ops/notifications', { params: { query: { event_id: event.id } } }, { refetchInterval: 10_000 })
  return (
    <Panel title={t('deliveries')}>
      <Loaded query={found} rows={2}>
        {({ items }) =>
          items.length === 0 ? (
            <Text size="sm">{t('notTold')}</Text>
          ) : (
            <Table fz="xs">
              <Table.Tbody>
                {items.map(({ id, channel, kind, state, created_at, last_error }) => (
                  <Table.Tr key={id}>
                    <Table.Td>
                      <Anchor component={Link} to="/notifications" search={{ tab: 'log', id: String(id) } as never} fz="xs">
                        {channel}
                      </Anchor>
                    </Table.Td>
                    <Table.Td>{kind}</Table.Td>
                    <Table.Td>
                      <DeliveryState state={state} />
                    </Table.Td>
                    <Table.Td>
                      <When at={created_at} />
                    </Table.Td>
                    <Table.Td className="said">{last_error}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )
        }
      </Loaded>
    </Panel>
  )
}
