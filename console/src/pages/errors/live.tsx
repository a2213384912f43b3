/** Live tail: on and off, pause, and what is to be known of it. */
import { Button, Group, Text } from '@mantine/core'
import { IconPlayerPause, IconPlayerPlay, IconPlayerRecord } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { count } from '../../parts/number'
import { MOST, type Tail } from './tail'
import type { Line } from './use-live'

interface Props {
  line: Line
  tail: Tail<unknown>
  onToggle: () => void
  onPause: () => void
  onResume: () => void
  /** Newest rows come on top only where the newest are on top. */
  isPossible: boolean
}

export function Live({ line, tail, onToggle, onPause, onResume, isPossible }: Props) {
  const { t, i18n } = useTranslation('errors')
  const isOn = line !== 'off'
  const waiting = count(tail.cameMeanwhile, i18n.language)
  return (
    <Group gap={6}>
      <Button
        size="compact-xs"
        variant={isOn ? 'filled' : 'default'}
        leftSection={<IconPlayerRecord size={13} aria-hidden />}
        aria-pressed={isOn}
        onClick={onToggle}
        disabled={!isPossible && !isOn}
        title={isPossible ? undefined : t('live.order')}
      >
        {t(`live.${line}`)}
      </Button>
      {isOn && (
        <Button
          size="compact-xs"
          variant="default"
          leftSection={tail.isPaused ? <IconPlayerPlay size={13} aria-hidden /> : <IconPlayerPause size={13} aria-hidden />}
          onClick={tail.isPaused ? onResume : onPause}
        >
          {tail.isPaused ? t('live.resume', { waiting }) : t('live.pause')}
        </Button>
      )}
    </Group>
  )
}

/** What a reader of the live list must know: rows that were not sent, and rows that were let go. */
export function LiveNotes({ tail }: { tail: Tail<unknown> }) {
  const { t, i18n } = useTranslation('errors')
  const said = count(tail.missed, i18n.language)
  return (
    <div role="status">
      {tail.missed > 0 && <Text size="xs">{t(tail.missedIsEstimate ? 'live.missedAtLeast' : 'live.missed', { said })}</Text>}
      {tail.isCut && <Text size="xs">{t('live.cut', { most: count(MOST, i18n.language) })}</Text>}
    </div>
  )
}
