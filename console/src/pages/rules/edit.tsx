/** The rules as they are edited, as a list or as JSON; tried, and applied. */
import { Alert, Button, Group, Modal, SegmentedControl, Stack, Text, Textarea } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Of } from '../../api/client'
import { type Problem, problemOf } from '../../api/problem'
import { useMay } from '../../app/session'
import { useAsked } from '../../parts/asked'
import { tellDone } from '../../parts/told'
import { useAgain } from './asking'
import { RuleList } from './list'
import { Preview } from './preview'
import { isSame, read, type Rule, type Wrong, written } from './rule'

interface Props {
  inForce: Of<'ClassificationRules'>
  /** Told whether there is something that would be lost. */
  setDirty: (isDirty: boolean) => void
}

export function Edit({ inForce: newest, setDirty }: Props) {
  const { t } = useTranslation('rules')
  const [asked, ask] = useAsked()
  // The version that is being edited. Another's version takes its place where nothing would be lost by that.
  const [inForce, setInForce] = useState(newest)
  const [rules, setRules] = useState<Rule[]>(newest.rules)
  const [text, setText] = useState<string>()
  const [wrong, setWrong] = useState<Wrong>()
  const [problem, setProblem] = useState<Problem>()
  const isJson = asked.as === 'json'
  const change = (next: Rule[]) => {
    setProblem(undefined)
    setRules(next)
  }
  const type = (next: string) => {
    setText(next)
    const found = read(next)
    setWrong(Array.isArray(found) ? undefined : found)
    if (Array.isArray(found)) change(found)
  }
  const start = (next: Rule[]) => {
    change(next)
    setText(undefined)
    setWrong(undefined)
  }
  const takeUp = () => {
    setInForce(newest)
    start(newest.rules)
  }
  const isChanged = Boolean(wrong) || !isSame(rules, inForce.rules)
  useEffect(() => setDirty(isChanged), [setDirty, isChanged])
  const isOutdated = newest.version !== inForce.version
  if (isOutdated && !wrong && (!isChanged || isSame(rules.map(unnumbered), newest.rules.map(unnumbered)))) takeUp()
  const refused = (thrown: unknown) => setProblem(problemOf(thrown))
  return (
    <Stack gap="sm">
      <Group justify="space-between" gap="xs">
        <SegmentedControl
          size="xs"
          aria-label={t('as.label')}
          data={(['list', 'json'] as const).map((value) => ({ value, label: t(`as.${value}`) }))}
          value={isJson ? 'json' : 'list'}
          onChange={(as) => {
            if (!wrong) setText(undefined)
            ask({ as: as === 'json' ? 'json' : undefined })
          }}
        />
        {isChanged && (
          <Group gap="xs">
            <Text size="sm">{t('changed')}</Text>
            <Button size="xs" variant="default" onClick={() => start(inForce.rules)}>
              {t('discard')}
            </Button>
            <Apply rules={rules} version={inForce.version} disabled={Boolean(wrong)} refused={refused} />
          </Group>
        )}
      </Group>
      {isOutdated && (
        <Alert color="yellow" role="alert" p="xs">
          <Group gap="xs">
            {t('outdated', { version: String(newest.version) })}
            <Button size="compact-xs" variant="default" onClick={takeUp}>
              {t('takeUp')}
            </Button>
          </Group>
        </Alert>
      )}
      {problem && (
        <Alert color="red" role="alert" title={problem.field ? `${problem.code}: ${problem.field}` : problem.code}>
          <span className="said">{problem.detail}</span>
        </Alert>
      )}
      {isJson ? (
        <Textarea
          label={t('json')}
          value={text ?? written(rules)}
          onChange={(event) => type(event.currentTarget.value)}
          error={wrong && t(wrong.word, { why: 'why' in wrong ? wrong.why : '', at: 'at' in wrong ? String(wrong.at) : '' })}
          autosize
          minRows={10}
          maxRows={36}
          spellCheck={false}
          classNames={{ input: 'mono' }}
        />
      ) : (
        <RuleList rules={rules} change={change} />
      )}
      {!wrong && <Preview rules={rules} refused={refused} />}
    </Stack>
  )
}

/** A new rule has no id before it is applied. */
function unnumbered({ id: _id, ...rule }: Rule): Rule {
  return rule
}

function Apply({ rules, version, disabled, refused }: { rules: Rule[]; version: number; disabled: boolean; refused: (thrown: unknown) => void }) {
  const { t } = useTranslation(['rules', 'common'])
  const mayApply = useMay('admin')
  const again = useAgain()
  const [open, { open: ask, close }] = useDisclosure()
  const [note, setNote] = useState('')
  const [busy, setBusy] = useState(false)
  if (!mayApply) return null
  const go = () => {
    setBusy(true)
    void api
      .PUT('/api/v1/admin/ops/classification-rules', { body: { version, rules, note: note.trim() || null } })
      .then(({ data }) => {
        tellDone(t('appliedNow', { version: String(data?.version ?? '') }))
        return again()
      }, refused)
      .finally(() => {
        setBusy(false)
        close()
      })
  }
  return (
    <>
      <Button size="xs" onClick={ask} disabled={disabled}>
        {t('apply')}
      </Button>
      <Modal opened={open} onClose={close} title={t('applyTitle')} closeButtonProps={{ 'aria-label': t('common:act.close') }}>
        <Stack gap="sm">
          <Text size="sm">{t('applyWhat', { version: String(version) })}</Text>
          <Textarea size="xs" label={t('applyNote')} autosize minRows={2} value={note} onChange={(event) => setNote(event.currentTarget.value)} data-autofocus />
          <Group justify="end">
            <Button size="xs" variant="default" onClick={close}>
              {t('common:act.cancel')}
            </Button>
            <Button size="xs" onClick={go} loading={busy}>
              {t('applyDo')}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  )
}
