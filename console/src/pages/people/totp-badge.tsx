/** Whether somebody has a second factor. */
import { Badge } from '@mantine/core'
import { useTranslation } from 'react-i18next'

export function TotpBadge({ isOn }: { isOn: boolean }) {
  const { t } = useTranslation('people')
  return (
    <Badge variant="light" color={isOn ? 'teal' : 'gray'} c="var(--mantine-color-text)" tt="none">
      {isOn ? t('totp.on') : t('totp.off')}
    </Badge>
  )
}
