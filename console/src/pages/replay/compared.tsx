/** One failure of a replay: the answer as it was, and as it is now, side by side. */
import { Anchor, Code, SimpleGrid, Stack, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../api/client'
import { useMay } from '../../app/session'
import { Cause } from '../../parts/badges'
import { Id } from '../../parts/copy'
import { FactsGrid } from '../../parts/facts-grid'
import { duration, usd } from '../../parts/number'
import { Panel } from '../../parts/panel'
import { VerdictBadge } from '../replays/verdicts'

type Item = Of<'ReplayItem'>

export function Compared({ item }: { item: Item }) {
  const { t } = useTranslation('replays')
  return (
    <Stack gap="sm">
      {item.verdict && <VerdictBadge verdict={item.verdict} />}
      <Text size="sm" fw={600} className="said">
        {item.summary}
      </Text>
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
        <Panel title={t('was')}>
          <Was item={item} />
        </Panel>
        <Panel title={t('is')}>
          <Is item={item} />
        </Panel>
      </SimpleGrid>
    </Stack>
  )
}

function Was({ item: { old, source_error_id } }: { item: Item }) {
  const { t } = useTranslation('replays')
  return (
    <Stack gap="xs">
      <FactsGrid
        facts={[
          [t('status_code'), old?.status_code],
          [t('cause'), old && <Cause key="cause" cause={old.cause} />],
          [t('account'), old?.account_name],
          [t('item.failure'), <ToError key="failure" id={source_error_id} />],
        ]}
      />
      {old?.recovered && <Text size="sm">{t('hidden')}</Text>}
      {old && (
        <Text size="sm" className="said">
          {old.message}
        </Text>
      )}
    </Stack>
  )
}

function Is({ item: { new: now, reason } }: { item: Item }) {
  const { t, i18n } = useTranslation('replays')
  const maySee = useMay('operator')
  if (!now)
    return (
      <Text size="sm">
        {t('notSent')} {reason && t(`reason.${reason}`)}
      </Text>
    )
  return (
    <Stack gap="xs">
      <FactsGrid
        facts={[
          [t('status_code'), now.status_code],
          [t('cause'), now.cause && <Cause key="cause" cause={now.cause} />],
          [t('account'), now.account_name],
          [t('item.took'), duration(now.duration_ms)],
          [t('item.cost'), usd(now.cost_usd, i18n.language)],
          [t('newError'), now.error_id && <ToError key="failure" id={now.error_id} />],
          [t('upstreamId'), now.upstream_request_id && <Id key="id" value={now.upstream_request_id} />],
        ]}
      />
      {now.message && (
        <Text size="sm" className="said">
          {now.message}
        </Text>
      )}
      {now.preview ? (
        <>
          <Text size="xs">{t('answer')}</Text>
          <Code block className="said" mah={420} style={{ overflow: 'auto' }}>
            {now.preview}
            {now.truncated && '…'}
          </Code>
        </>
      ) : (
        !maySee && <Text size="xs">{t('noAnswer')}</Text>
      )}
    </Stack>
  )
}

function ToError({ id }: { id: number }) {
  return (
    <Anchor component={Link} to="/errors/$id" params={{ id: String(id) } as never} size="sm">
      {id}
    </Anchor>
  )
}
