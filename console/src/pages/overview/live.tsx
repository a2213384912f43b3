/** Whether the page follows what happens: while it is seen, its window ends now, and nobody has stopped it. */
import { ActionIcon, Badge, Button, Group } from '@mantine/core'
import { IconActivity, IconHistory, IconPlugConnectedX, IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { usePulse } from '../../api/pulse'
import { useSetWindow, useWindow } from '../../parts/window'

/** How often to ask again, in milliseconds. */
export type Every = number | false

const EVERY_MS = 10_000

export interface Live {
  every: Every
  isNow: boolean
  isPaused: boolean
  setPaused: (isPaused: boolean) => void
}

/** A page that nobody sees is not asked for: queries pause by themselves in a hidden tab. */
export function useLive(): Live {
  const isNow = useWindow().end_time === undefined
  const [isPaused, setPaused] = useState(false)
  return { every: isNow && !isPaused ? EVERY_MS : false, isNow, isPaused, setPaused }
}

/** What the mark says, by how it is: a word, a shape, a colour. */
const MARKS = {
  on: { color: 'teal', Icon: IconActivity },
  paused: { color: 'gray', Icon: IconPlayerPause },
  broken: { color: 'red', Icon: IconPlugConnectedX },
} as const

export function LiveMark({ isNow, isPaused, setPaused }: Live) {
  const { t } = useTranslation('overview')
  const isWell = usePulse().is === 'well'
  const setWindow = useSetWindow()
  if (!isNow) {
    return (
      <Group gap="xs">
        <Badge variant="light" color="gray" tt="none" leftSection={<IconHistory size={12} aria-hidden />}>
          {t('live.past')}
        </Badge>
        <Button size="compact-xs" variant="default" onClick={() => setWindow({ time_range: '1h' })}>
          {t('live.toNow')}
        </Button>
      </Group>
    )
  }
  const act = t(isPaused ? 'live.resume' : 'live.pause', { seconds: String(EVERY_MS / 1_000) })
  const how = isPaused ? 'paused' : isWell ? 'on' : 'broken'
  const { color, Icon } = MARKS[how]
  return (
    <Group gap={4}>
      <Badge variant="light" color={color} tt="none" miw={84} leftSection={<Icon size={12} aria-hidden />} data-live={how}>
        {t(`live.${how}`)}
      </Badge>
      <ActionIcon size="sm" variant="subtle" color="gray" aria-label={act} title={act} aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
        {isPaused ? <IconPlayerPlay size={14} /> : <IconPlayerPause size={14} />}
      </ActionIcon>
    </Group>
  )
}
