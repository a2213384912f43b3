/** The request as code that sends it, with the key left out. Asked for only when somebody wants it: it is a look at the body. */
import { Button, Group, SegmentedControl, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api } from '../../api/client'
import { useMay } from '../../app/session'
import { Copy } from '../../parts/copy'
import { Loaded } from '../../parts/states'
import classes from './error.module.css'

const LANGUAGES = [
  { value: 'curl', label: 'curl' },
  { value: 'python', label: 'Python' },
  { value: 'typescript', label: 'TypeScript' },
] as const

type Language = (typeof LANGUAGES)[number]['value']

export function Code({ id }: { id: string }) {
  const { t } = useTranslation('errors')
  const may = useMay('operator')
  const [language, setLanguage] = useState<Language>('curl')
  const [isAsked, setAsked] = useState(false)
  if (!may) return <Text size="sm">{t('code.mayNot')}</Text>
  return (
    <Stack gap="xs">
      <Group gap="xs">
        <SegmentedControl size="xs" aria-label={t('code.as')} data={[...LANGUAGES]} value={language} onChange={(value) => setLanguage(value as Language)} />
        {!isAsked && (
          <Button size="xs" variant="default" onClick={() => setAsked(true)}>
            {t('code.show')}
          </Button>
        )}
        <Text size="xs">{t('code.key')}</Text>
      </Group>
      {isAsked && <Written id={id} language={language} />}
    </Stack>
  )
}

function Written({ id, language }: { id: string; language: Language }) {
  const { t } = useTranslation('errors')
  const found = useQuery({
    queryKey: ['code', id, language],
    queryFn: async () => (await api.GET('/api/v1/admin/ops/errors/{id}/code', { params: { path: { id }, query: { as: language } }, parseAs: 'text' })).data ?? '',
    staleTime: Infinity,
  })
  return (
    <Loaded query={found} rows={6}>
      {(text) => (
        <Stack gap={4}>
          <Group gap="xs">
            <Copy text={text} of={language} />
            <Text size="xs">{t('code.copy')}</Text>
          </Group>
          <pre className={`${classes.code} said`} tabIndex={0} aria-label={language}>
            {text}
          </pre>
        </Stack>
      )}
    </Loaded>
  )
}
