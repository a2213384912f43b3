/** One failed request: the provider's words, whose fault, what to do, where the time went, and the way to send it again. */
import { Anchor, Button, Group } from '@mantine/core'
import { IconArrowLeft, IconScale, IconSend } from '@tabler/icons-react'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../api/client'
import { pick, type Search } from '../../app/search'
import { useMay } from '../../app/session'
import { whereHidden } from '../../parts/filters/hidden'
import { LIST_NAMES } from '../../parts/filters/table'
import { Head } from '../../parts/head'
import { KeyHelp } from '../../parts/key-help'
import { useKeys } from '../../parts/keys'
import { Panel } from '../../parts/panel'
import { Loaded } from '../../parts/states'
import { useWindow } from '../../parts/window'
import { Differences } from '../errors/differences'
import { Candidates } from './candidates'
import { Code } from './code'
import classes from './error.module.css'
import { ErrorFacts } from './facts'
import { IssueOf } from './issue'
import { Neighbours } from './neighbours'
import { Payloads } from './payloads'
import { Resolve } from './resolve'
import { Retries } from './retries'
import { Said } from './said'
import { SendAgain } from './send-again'
import { useError } from './use-error'
import { Waterfall } from './waterfall'

export function Page() {
  const { id = '' } = useParams({ strict: false })
  const { t } = useTranslation('errors')
  const found = useError(id)
  return (
    <>
      {!found.data && <Head title={t('one.title', { id })} />}
      <Loaded query={found} rows={16}>
        {(error) => <One key={error.id} error={error} />}
      </Loaded>
    </>
  )
}

function One({ error }: { error: Of<'ErrorLogDetail'> }) {
  const { t } = useTranslation(['errors', 'common'])
  const search: Search = useSearch({ strict: false })
  const window = useWindow('24h')
  const navigate = useNavigate()
  const mayOperate = useMay('operator')
  const again = useRef<HTMLDivElement>(null)
  const [dialog, setDialog] = useState<'keys' | 'differences' | null>(null)
  const toAgain = () => {
    again.current?.scrollIntoView({ block: 'start' })
    again.current?.querySelector('button')?.focus({ preventScroll: true })
  }
  useKeys({ r: mayOperate ? toAgain : undefined, u: () => void navigate({ to: '/errors', search: (old: Search) => old }), '?': () => setDialog('keys') })
  const alike: Search = error.issue ? { issue: error.issue.fingerprint, ...whereHidden(error.issue.count) } : { fingerprint: error.fingerprint, ...whereHidden(error.recovered ? 0 : 1) }
  const shownKeys = ['next', ...(mayOperate ? (['again'] as const) : []), 'up', 'help'] as const
  return (
    <>
      <Head title={t('one.title', { id: String(error.id) })}>
        <Anchor component={Link} to="/errors" search={pick(search, [...LIST_NAMES, 'time_range', 'start_time', 'end_time']) as never} size="xs">
          <Group gap={2} wrap="nowrap">
            <IconArrowLeft size={13} aria-hidden /> {t('common:menu.errors')}
          </Group>
        </Anchor>
        <Neighbours error={error} />
        <Button size="compact-xs" variant="default" leftSection={<IconScale size={13} aria-hidden />} onClick={() => setDialog('differences')}>
          {t('differences.open')}
        </Button>
        {mayOperate && (
          <Button size="compact-xs" leftSection={<IconSend size={13} aria-hidden />} onClick={toAgain}>
            {t('again.title')}
          </Button>
        )}
        <Resolve error={error} />
      </Head>
      <div className={classes.page}>
        <div className={classes.column}>
          <Said error={error} />
          <Panel title={t('waterfall.title')}>
            <Waterfall times={error} />
          </Panel>
          <Panel title={t('candidates.title')}>
            <Candidates route={error.route} />
          </Panel>
          <div ref={again}>
            <Panel title={t('again.title')}>
              <SendAgain error={error} />
            </Panel>
          </div>
          <Panel title={t('retries.title')}>
            <Retries error={error} />
          </Panel>
          <Panel title={t('body.title')}>
            <Payloads error={error} />
          </Panel>
          <Panel title={t('code.title')}>
            <Code id={String(error.id)} />
          </Panel>
        </div>
        <div className={classes.column}>
          <IssueOf error={error} />
          <Panel title={t('one.facts')}>
            <ErrorFacts error={error} />
          </Panel>
        </div>
      </div>
      <KeyHelp title={t('keys.title')} opened={dialog === 'keys'} onClose={() => setDialog(null)} keys={shownKeys.map((what) => [KEYS[what], t(`keys.${what}`)])} />
      <Differences opened={dialog === 'differences'} onClose={() => setDialog(null)} query={{ ...window, ...alike }} />
    </>
  )
}

const KEYS = { next: ['j', 'k'], again: ['r'], up: ['u'], help: ['?'] } as const
