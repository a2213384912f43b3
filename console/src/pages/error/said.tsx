/** Who said it, and the words themselves: first, and big. */
import { Group, Paper, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../api/client'
import { OwnerBadge, SeverityBadge } from '../../parts/badges'
import { Copy } from '../../parts/copy'
import { Marked } from '../../parts/json/marked'
import { useGateway } from '../../words/gateway'
import classes from './error.module.css'
import { speakerOf } from './speaker'

/** How what was said is told, by whose words it is. */
export const SPEAKERS = { provider: 'one.providerSaid', gateway: 'one.gatewaySaw' } as const

export function Said({ error }: { error: Of<'ErrorLogDetail'> }) {
  const { t } = useTranslation('errors')
  const { explanation, remedy } = useGateway()
  const provider = error.upstream_error_message
  const said = provider || error.message
  const speaker = provider ? t(SPEAKERS[speakerOf(error.ruled_by?.built_in.cause ?? error.cause, error.upstream_status_code)], { account: error.account_name ?? error.platform }) : t('one.gatewaySaid')
  return (
    <Paper withBorder p="md" component="section" aria-label={speaker}>
      <Stack gap="sm">
        <Group gap="xs" justify="space-between">
          <Text size="sm">{speaker}</Text>
          <Copy text={said} of={t('column.message')} />
        </Group>
        <blockquote className={`${classes.quote} said`} tabIndex={0}>
          <Marked text={said} />
        </blockquote>
        {provider && provider !== error.message && (
          <Text size="sm" className="said">
            {error.message}
          </Text>
        )}
        {error.upstream_error_detail && (
          <Text size="sm" className="said">
            <Marked text={error.upstream_error_detail} />
          </Text>
        )}
        <Group gap="xs">
          <SeverityBadge severity={error.severity} />
          <OwnerBadge owner={error.error_owner} />
          <Text size="sm" className="mono" fw={600}>
            {error.cause}
          </Text>
        </Group>
        <Text className="said">{explanation(error.cause, error.explanation)}</Text>
        <Text className="said">
          <strong>{t('one.remedy')}</strong> {remedy(error.cause, error.remedy)}
        </Text>
        {error.recovered && <Text size="sm">{t('one.recovered')}</Text>}
        {error.replay_of != null && <Text size="sm">{t('one.replay')}</Text>}
      </Stack>
    </Paper>
  )
}
