/** What people wrote about an issue, newest first. */
import { Button, Stack, Text, Textarea } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Of } from '../../api/client'
import { problemOf } from '../../api/problem'
import { useMay } from '../../app/session'
import { Panel } from '../../parts/panel'
import { When } from '../../parts/when'

export function Notes({ issue, notes }: { issue: string; notes: readonly Of<'IssueNote'>[] }) {
  const { t } = useTranslation(['issues', 'common'])
  const mayWrite = useMay('operator')
  return (
    <Panel title={t('notes')}>
      <Stack gap="sm">
        {mayWrite && <Write issue={issue} />}
        {notes.length === 0 && <Text size="sm">{t('noNotes')}</Text>}
        {notes.map(({ id, at, author, text }) => (
          <div key={id}>
            <Text size="xs">
              <b>{author ?? t('common:unknown')}</b> · <When at={at} as="both" />
            </Text>
            <Text size="sm" className="said">
              {text}
            </Text>
          </div>
        ))}
      </Stack>
    </Panel>
  )
}

function Write({ issue }: { issue: string }) {
  const { t } = useTranslation('issues')
  const queries = useQueryClient()
  const [text, setText] = useState('')
  const [wrong, setWrong] = useState<string>()
  const [busy, setBusy] = useState(false)
  const add = () => {
    setBusy(true)
    api
      .POST('/api/v1/admin/ops/issues/{fingerprint}/notes', { params: { path: { fingerprint: issue } }, body: { text } })
      .then(
        () => {
          setText('')
          setWrong(undefined)
          return queries.invalidateQueries({ queryKey: ['get', '/api/v1/admin/ops/issues/{fingerprint}'] })
        },
        (thrown: unknown) => setWrong(problemOf(thrown).detail),
      )
      .finally(() => setBusy(false))
  }
  return (
    <Stack gap={6} align="start">
      <Textarea w="100%" autosize minRows={2} maxRows={10} label={t('noteLabel')} value={text} error={wrong} onChange={(event) => setText(event.currentTarget.value)} />
      <Button size="xs" variant="default" onClick={add} loading={busy} disabled={!text.trim()}>
        {t('noteAdd')}
      </Button>
    </Stack>
  )
}
