/** What these failures have more often than what was served: sentences, with both shares as bars. */
import { Stack, Text } from '@mantine/core'
import { useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { $api } from '../../api/client'
import { windowOf } from '../../app/search'
import { whereHidden } from '../../parts/filters/hidden'
import { count, percent } from '../../parts/number'
import { Panel } from '../../parts/panel'
import { Loaded } from '../../parts/states'
import { local } from '../../parts/when'
import { useGateway } from '../../words/gateway'
import classes from './issue.module.css'

const DAY_MS = 24 * 3_600_000

/** The window of the address; without one, the day that ends with the newest failure, as it was when the page was opened. */
export function Different({ issue, seen, lastSeen }: { issue: string; seen: number; lastSeen: string }) {
  const { t, i18n } = useTranslation('issues')
  const window = windowOf(useSearch({ strict: false }))
  const [last] = useState(() => Date.parse(lastSeen))
  const around = { start_time: new Date(last - DAY_MS).toISOString(), end_time: new Date(last + 1_000).toISOString() }
  const query = { issue, ...(Object.keys(window).length > 0 ? window : around), ...whereHidden(seen) }
  const gateway = useGateway()
  const asked = $api.useQuery('get', '/api/v1/admin/ops/errors/differences', { params: { query: query as never } }, { staleTime: 60_000 })
  const number = (value: number) => count(value, i18n.language)
  const moment = (at: string) => local(Date.parse(at), i18n.language)
  return (
    <Panel title={t('different')}>
      <Loaded query={asked} rows={4}>
        {(found) => (
          <Stack gap="sm">
            {found.attributes[0]?.sentence !== found.summary && (
              <Text size="sm" className="said" fw={500}>
                {gateway.summary(found)}
              </Text>
            )}
            {found.attributes.slice(0, 12).map((one) => (
              <div key={`${one.attribute} ${one.value}`}>
                <Text size="sm" className="said">
                  {gateway.difference(one)}
                </Text>
                <Share share={one.failure_share} of={t('ofFailures')} isFailure />
                <Share share={one.success_share} of={t('ofSuccesses')} />
              </div>
            ))}
            <Text size="xs">
              {t('differentOf', { failures: number(found.failures), successes: number(found.successes), from: moment(found.window.start_time), to: moment(found.window.end_time) })} {found.sampled && t('sampled')}
            </Text>
          </Stack>
        )}
      </Loaded>
    </Panel>
  )
}

function Share({ share, of, isFailure }: { share: number; of: string; isFailure?: boolean }) {
  const { i18n } = useTranslation()
  return (
    <div className={classes.share}>
      <span className={classes.track} aria-hidden>
        <span className={isFailure ? classes.failed : classes.served} style={{ width: `${Math.min(share, 1) * 100}%` }} />
      </span>
      <Text size="xs" component="span">
        {percent(share * 100, i18n.language)} {of}
      </Text>
    </div>
  )
}
