/** The state of the service in one sentence, and beneath it for whom, whose fault, and what to do. */
import { Badge, Button, Group, Paper, Skeleton, Text } from '@mantine/core'
import { IconAlertOctagon, IconAlertTriangle, IconCircleCheck, IconCircleDashed, IconHistory, IconShieldHalf } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { type ReactNode, useDeferredValue, useEffect, useMemo, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { $api } from '../../api/client'
import type { Search } from '../../app/search'
import { OwnerBadge } from '../../parts/badges'
import { Later } from '../../parts/later'
import { percent } from '../../parts/number'
import { useNow } from '../../parts/now'
import { Failed } from '../../parts/states'
import { useGateway } from '../../words/gateway'
import { useDistribution, useFacts, type Window, windowFor } from './asks'
import { clockOf } from './clock'
import { Go } from './go'
import type { Live } from './live'
import classes from './overview.module.css'
import { say, stretchWindow } from './say'
import { type Issue, type Level, type State, stateOf } from './state'

const LOOKS: Record<Level, { color: string; Icon: typeof IconCircleCheck }> = {
  idle: { color: 'gray', Icon: IconCircleDashed },
  well: { color: 'teal', Icon: IconCircleCheck },
  strained: { color: 'yellow', Icon: IconShieldHalf },
  recovered: { color: 'blue', Icon: IconHistory },
  degraded: { color: 'orange', Icon: IconAlertTriangle },
  down: { color: 'red', Icon: IconAlertOctagon },
}

/** How high it is depends on how the service is, so `children` come with it: nothing beneath it is moved. */
export function Stand({ window, live, children }: { window: Search; live: Live; children: ReactNode }) {
  const now = useNow()
  const { facts, error, retry } = useFacts(windowFor(window), live.every, now)
  // The whole page comes with it: drawn in pieces, so that the page can be used meanwhile.
  const state = useDeferredValue(useLast(useMemo(() => facts && stateOf(facts), [facts])))
  if (error) {
    return (
      <>
        <Failed thrown={error} retry={retry} />
        {children}
      </>
    )
  }
  return (
    <>
      <Paper withBorder p="md" className={classes.stand} data-level={state?.level} aria-busy={!state}>
        {state ? <Said state={state} window={window} live={live} /> : <Skeleton height={28} mt={2} />}
      </Paper>
      {state && <Later name="overview">{children}</Later>}
    </>
  )
}

/** What was known stays until the next is: another window empties no page. */
function useLast<T>(value: T | undefined): T | undefined {
  const last = useRef(value)
  useEffect(() => {
    if (value !== undefined) last.current = value
  }, [value])
  return value ?? last.current
}

function Said({ state, window, live }: { state: State; window: Search; live: Live }) {
  const { t, i18n } = useTranslation(['overview', 'accounts'])
  const { color, Icon } = LOOKS[state.level]
  const pieces = say(state, { t, language: i18n.language, clock: clockOf(i18n.language, Date.now()), window })
  const isFelt = state.failed.part > 0
  return (
    <>
      <Group gap="sm" wrap="nowrap" align="flex-start" className={classes.standHead}>
        <Badge size="lg" variant="light" color={color} tt="none" leftSection={<Icon size={16} aria-hidden />} className={classes.level}>
          {t(`level.${state.level}`)}
        </Badge>
        <Text size="lg" fw={500} className={classes.sentence} data-sentence>
          {pieces.map(({ text, target, isSaid }, at) => {
            const said = isSaid ? <bdi>{text}</bdi> : text
            return target ? (
              <Go key={at} target={target} inherit className={classes.inText}>
                {said}
              </Go>
            ) : (
              <span key={at}>{said}</span>
            )
          })}
        </Text>
      </Group>
      {(isFelt || state.issue) && <Facts state={state} window={window} live={live} />}
    </>
  )
}

function Facts({ state, window, live }: { state: State; window: Search; live: Live }) {
  const { t } = useTranslation('overview')
  return (
    <dl className={classes.facts}>
      {state.issue && (
        <>
          <dt>{t('facts.who')}</dt>
          <dd>
            <Whom issue={state.issue} window={window} />
          </dd>
        </>
      )}
      <dt>{t('facts.whose')}</dt>
      <dd>
        <Whose window={stretchWindow(state, window)} live={live} />
      </dd>
      {state.issue && (
        <>
          <dt>{t('facts.todo')}</dt>
          <dd>
            <Todo issue={state.issue} window={window} />
          </dd>
        </>
      )}
    </dl>
  )
}

function Whom({ issue, window }: { issue: Issue; window: Search }) {
  const { t } = useTranslation('overview')
  const parts = [t('facts.users', { count: issue.users }), t('facts.keys', { count: issue.api_keys }), t('facts.models', { count: issue.models })]
  return (
    <Go target={{ to: '/issues/$fingerprint', params: { fingerprint: issue.fingerprint }, search: window }} size="sm">
      {issue.members_are_bounded && `${t('facts.atLeast')} `}
      {parts.join(' · ')}
    </Go>
  )
}

/** Owners of what counts, the most frequent first. */
function Whose({ window, live }: { window: Search; live: Live }) {
  const { i18n } = useTranslation()
  const found = useDistribution(windowFor(window) as Window, 'requests', 'owner', live.every)
  const items = found.data?.items.filter(({ counted }) => counted > 0) ?? []
  const all = items.reduce((sum, { counted }) => sum + counted, 0)
  if (found.isPending) return <Skeleton height={20} width={160} />
  return (
    <Group gap="xs">
      {items.length === 0 && '–'}
      {items.map(({ value, counted }) => (
        <Group key={value} gap={4}>
          {(value === 'client' || value === 'provider' || value === 'platform') && <OwnerBadge owner={value} />}
          <Go target={{ to: '/errors', search: { ...window, view: 'errors', owner: value } }} size="sm">
            {percent((counted / all) * 100, i18n.language)}
          </Go>
        </Group>
      ))}
    </Group>
  )
}

/** What the gateway says is to be done about the worst of it, and the way to the provider's own words. */
function Todo({ issue, window }: { issue: Issue; window: Search }) {
  const { t } = useTranslation('overview')
  const { remedy } = useGateway()
  const { fingerprint, sample_error_id } = issue
  const found = $api.useQuery('get', '/api/v1/admin/ops/issues/{fingerprint}', { params: { path: { fingerprint } } }, { staleTime: 60_000 })
  return (
    <Group gap="sm" align="center">
      <Text size="sm" className="said">
        {found.data ? remedy(found.data.cause, found.data.remedy) : '…'}
      </Text>
      <Button component={Link} to="/errors/$id" params={{ id: String(sample_error_id) } as never} search={window as never} size="compact-xs" variant="default">
        {t('facts.theirWords')}
      </Button>
      <Button component={Link} to="/issues/$fingerprint" params={{ fingerprint } as never} search={window as never} size="compact-xs" variant="default">
        {t('facts.issue')}
      </Button>
    </Group>
  )
}
