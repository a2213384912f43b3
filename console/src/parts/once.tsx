/** A secret that is shown this one time. */
import { Alert, Button, Code, CopyButton, Group, Stack, Text } from '@mantine/core'
import { IconCheck, IconCopy, IconEyeOff } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'

interface Props {
  secret: string
  onClose: () => void
}

export function Once({ secret, onClose }: Props) {
  const { t } = useTranslation()
  return (
    <Stack gap="sm">
      <Alert color="yellow" icon={<IconEyeOff aria-hidden />} title={<Text c="var(--mantine-color-text)" fw={700} size="sm">{t('once.title')}</Text>} role="status">
        {t('once.why')}
      </Alert>
      <Code block className="said" data-secret>
        {secret}
      </Code>
      <Group justify="space-between">
        <CopyButton value={secret} timeout={3_000}>
          {({ copied, copy }) => (
            <Button leftSection={copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />} color={copied ? 'teal' : undefined} onClick={copy} data-autofocus>
              {copied ? t('act.copied') : t('act.copy')}
            </Button>
          )}
        </CopyButton>
        <Button variant="default" onClick={onClose}>
          {t('once.kept')}
        </Button>
      </Group>
      <Text size="xs">{t('once.lost')}</Text>
    </Stack>
  )
}
