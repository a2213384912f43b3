/** What can be done about an issue: resolve, reopen, ignore, send it again. */
import { Button, Checkbox, Group, Modal, NumberInput, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useDisclosure } from '@mantine/hooks'
import { useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { api, type Of } from '../../api/client'
import { useMay } from '../../app/session'
import { toFields } from '../../parts/fields'
import { isoOf, localInput } from '../../parts/moment'
import { tellDone } from '../../parts/told'
import { ReplayButton } from '../replays/form'

type Issue = Of<'IssueDetail'>

/** Changes an issue, and has everything that shows it asked for again. */
function useChange(issue: Issue): (body: Of<'ChangeIssue'>) => Promise<void> {
  const queries = useQueryClient()
  return async (body) => {
    const { data } = await api.PUT('/api/v1/admin/ops/issues/{fingerprint}', { params: { path: { fingerprint: issue.fingerprint } }, body })
    tellDone()
    if (data) queries.setQueryData(['get', '/api/v1/admin/ops/issues/{fingerprint}', { params: { path: { fingerprint: issue.fingerprint } } }], data)
    await queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === 'issues' || String(queryKey[1]).includes('/ops/issues') })
  }
}

export function Acts({ issue }: { issue: Issue }) {
  const { t } = useTranslation('issues')
  const mayAct = useMay('operator')
  const change = useChange(issue)
  if (!mayAct) return null
  const isOpen = issue.state !== 'resolved' && issue.state !== 'ignored'
  return (
    <Group gap="xs">
      {issue.state !== 'resolved' && <Said act={t('act.resolve')} what={t('act.resolveWhat')} go={(note) => change({ state: 'resolved', note })} />}
      {!isOpen && <Said act={t('act.reopen')} go={(note) => change({ state: 'ongoing', note })} />}
      {issue.state !== 'ignored' && <Ignore change={change} />}
      <ReplayButton
        filter={{ issue: issue.fingerprint }}
        platform={issue.platform}
        isHidden={issue.count === 0}
        label={t('act.replay')}
      />
    </Group>
  )
}

/** A change with a reason. */
function Said({ act, what, go }: { act: string; what?: string; go: (note: string | null) => Promise<void> }) {
  const { t } = useTranslation(['issues', 'common'])
  const [open, { open: ask, close }] = useDisclosure()
  const form = useForm({ initialValues: { note: '' } })
  const submit = form.onSubmit(async ({ note }) => {
    await go(note.trim() || null).then(close, toFields(form, ['note']))
  })
  return (
    <>
      <Button size="xs" variant="default" onClick={ask}>
        {act}
      </Button>
      <Modal opened={open} onClose={close} title={act} closeButtonProps={{ 'aria-label': t('common:act.close') }}>
        <form onSubmit={submit}>
          <Stack gap="sm">
            {what && <Text size="sm">{what}</Text>}
            <Textarea label={t('act.why')} autosize minRows={2} data-autofocus {...form.getInputProps('note')} />
            <Group justify="end">
              <Button size="xs" type="submit" loading={form.submitting}>
                {act}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  )
}

const SPANS = { '1h': 3_600_000, '24h': 24 * 3_600_000, '7d': 7 * 24 * 3_600_000 } as const

function Ignore({ change }: { change: (body: Of<'ChangeIssue'>) => Promise<void> }) {
  const { t } = useTranslation(['issues', 'common'])
  const [open, { open: ask, close }] = useDisclosure()
  const form = useForm({ initialValues: { ignore_until: '', ignore_count: '' as number | '', ignore_escalation: true, note: '' } })
  const submit = form.onSubmit(async ({ ignore_until, ignore_count, ignore_escalation, note }) => {
    await change({
      state: 'ignored',
      ignore_until: isoOf(ignore_until),
      ignore_count: ignore_count === '' ? null : ignore_count,
      ignore_escalation,
      note: note.trim() || null,
    }).then(close, toFields(form, ['ignore_until', 'ignore_count', 'note']))
  })
  return (
    <>
      <Button size="xs" variant="default" onClick={ask}>
        {t('act.ignore')}
      </Button>
      <Modal opened={open} onClose={close} title={t('ignore.title')} closeButtonProps={{ 'aria-label': t('common:act.close') }}>
        <form onSubmit={submit}>
          <Stack gap="sm">
            <Text size="sm">{t('ignore.hint')}</Text>
            <TextInput type="datetime-local" label={t('ignore.until')} {...form.getInputProps('ignore_until')} />
            <Group gap={4}>
              {(Object.keys(SPANS) as (keyof typeof SPANS)[]).map((span) => (
                <Button key={span} size="compact-xs" variant="default" onClick={() => form.setFieldValue('ignore_until', localInput(Date.now() + SPANS[span]))}>
                  {t(`ignore.for.${span}`)}
                </Button>
              ))}
            </Group>
            <NumberInput label={t('ignore.count')} min={1} allowDecimal={false} {...form.getInputProps('ignore_count')} />
            <Checkbox label={t('ignore.escalation')} {...form.getInputProps('ignore_escalation', { type: 'checkbox' })} />
            <Textarea label={t('act.why')} autosize minRows={2} {...form.getInputProps('note')} />
            <Group justify="end">
              <Button size="xs" type="submit" loading={form.submitting}>
                {t('ignore.do')}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  )
}
