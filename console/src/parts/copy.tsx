/** Text that can be taken along: ids, addresses, commands. */
import { ActionIcon, CopyButton, Group, Tooltip } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'

/** The button alone. */
export function Copy({ text, of }: { text: string; of?: string }) {
  const { t } = useTranslation()
  return (
    <CopyButton value={text} timeout={1_500}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? t('act.copied') : t('act.copy')}>
          <ActionIcon size="xs" variant="subtle" color={copied ? 'teal' : 'gray'} onClick={copy} aria-label={`${t('act.copy')} ${of ?? text}`}>
            {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  )
}

/** An id as it is, with the button behind it. */
export function Id({ value }: { value: string | number | null | undefined }) {
  if (value === null || value === undefined || value === '') return <span>–</span>
  return (
    <Group gap={2} wrap="nowrap" display="inline-flex">
      <span className="mono said">{value}</span>
      <Copy text={String(value)} />
    </Group>
  )
}
