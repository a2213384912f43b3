/** What came of failures that were sent again: a shape, a word and a colour each, and how many of each, as a bar. */
import { Badge, Group, Progress, Text } from '@mantine/core'
import { IconArrowsSplit2, IconBan, IconCheck, IconClockPause, IconEqual, IconPlugX } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../api/client'
import { useJoined } from '../../parts/joined'
import { count } from '../../parts/number'

export type Verdict = Of<'Verdict'>

const KINDS = {
  would_succeed: { color: 'teal', Icon: IconCheck },
  fails_the_same: { color: 'red', Icon: IconEqual },
  fails_differently: { color: 'orange', Icon: IconArrowsSplit2 },
  not_replayable: { color: 'gray', Icon: IconBan },
  not_run: { color: 'yellow', Icon: IconClockPause },
  interrupted: { color: 'grape', Icon: IconPlugX },
} as const satisfies Record<Verdict, unknown>

export const VERDICTS = Object.keys(KINDS) as Verdict[]

export function VerdictBadge({ verdict, times }: { verdict: Verdict; times?: number }) {
  const { t, i18n } = useTranslation('replays')
  const { color, Icon } = KINDS[verdict]
  return (
    <Badge variant="light" color={color} leftSection={<Icon size={12} aria-hidden />} tt="none">
      {t(`verdict.${verdict}`)}
      {times !== undefined && ` ${count(times, i18n.language)}`}
    </Badge>
  )
}

/** How far a replay is: what had its turn, by what came of it. */
export function ReplayProgress({ replay }: { replay: Of<'Replay'> }) {
  const { t, i18n } = useTranslation('replays')
  const { list } = useJoined()
  const number = (value: number) => count(value, i18n.language)
  const all = Math.max(Math.min(replay.candidates, replay.budget.max_count), replay.done, 1)
  const there = VERDICTS.filter((verdict) => replay.verdicts[verdict] > 0)
  const parts = list(there.map((verdict) => `${t(`verdict.${verdict}`)} ${number(replay.verdicts[verdict])}`))
  return (
    <div>
      <Progress.Root size={14} role="img" aria-label={t('progressSaid', { done: number(replay.done), all: number(all), parts })}>
        {there.map((verdict) => (
          <Progress.Section key={verdict} value={(replay.verdicts[verdict] / all) * 100} color={KINDS[verdict].color} aria-hidden />
        ))}
      </Progress.Root>
      <Group gap="xs" mt={6}>
        <Text size="sm">
          {t('progress', { done: number(replay.done), all: number(all) })}
          {replay.under_way > 0 && ` · ${t('underWay', { count: replay.under_way })}`}
        </Text>
        {there.map((verdict) => (
          <VerdictBadge key={verdict} verdict={verdict} times={replay.verdicts[verdict]} />
        ))}
      </Group>
    </div>
  )
}
