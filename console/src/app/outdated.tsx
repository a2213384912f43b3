/** Says above every page that what it shows is not as things are now, and since when. */
import { Button, Group, Text } from '@mantine/core'
import { IconPlugConnectedX } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { askAgain, usePulse } from '../api/pulse'
import { Notice } from '../parts/notice'
import { local } from '../parts/when'
import classes from './shell.module.css'

export function Outdated() {
  const { t, i18n } = useTranslation()
  const pulse = usePulse()
  if (pulse.is === 'well') return null
  const at = local(pulse.since, i18n.language)
  return (
    <Notice className={classes.outdated} color={pulse.is === 'silent' ? 'red' : 'yellow'} variant="light" icon={<IconPlugConnectedX aria-hidden />} role="alert" p="xs" mb="sm" title={t(`outdated.${pulse.is}`, { at })} data-pulse={pulse.is}>
      <Group gap="xs" justify="space-between">
        <Text size="sm" className="said" flex={1}>
          {pulse.is === 'silent' ? t('outdated.tries') : pulse.detail}
        </Text>
        <Button size="compact-xs" variant="default" onClick={askAgain}>
          {t('state.retry')}
        </Button>
      </Group>
    </Notice>
  )
}
