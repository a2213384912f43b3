/** Forms against the API: what is sent, and the API's objection at the field that it is about. */
import { Alert, Button, Drawer, Fieldset, Group, Stack, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { type Problem, problemOf } from '../api/problem'
import { isUnchanged } from './changed'
import { useTopmost } from './layers'
import { fieldOf } from './problem-field'
import { tellDone, tellUnchanged } from './told'
import { useGuarded } from './unsaved'

interface Told {
  setFieldError: (path: string, error: ReactNode) => void
}

interface Save<Values, Answer> {
  form: Told
  /** The form's fields, as paths of the API; `*` stands for an index. */
  fields: readonly string[]
  send: (values: Values) => Promise<Answer>
  onDone?: (answer: Answer) => void
  /** What to say when it is done; `null`: nothing. */
  done?: string | null
}

/** Sends a form. What the API refuses is told at its field; everything that is shown is asked for again after a success. */
export function useSave<Values, Answer>({ form, fields, send, onDone, done }: Save<Values, Answer>) {
  const queries = useQueryClient()
  const sent = useMutation({
    mutationFn: send,
    onSuccess: async (answer) => {
      if (done !== null) tellDone(done)
      onDone?.(answer)
      await queries.invalidateQueries()
    },
    onError: (thrown) => {
      const { code, field, detail } = problemOf(thrown)
      if (isUnchanged(thrown)) tellUnchanged()
      // What somebody else made of it is to be seen.
      if (code === 'outdated') void queries.invalidateQueries()
      const path = fieldOf(field, fields)
      if (path) form.setFieldError(path, detail)
    },
  })
  return { save: sent.mutate, isSaving: sent.isPending, problem: sent.error && !isUnchanged(sent.error) ? problemOf(sent.error) : undefined, reset: sent.reset }
}

/** Why something could not be done, in the API's words; `explain` says what to do about some codes. */
export function Trouble({ problem, explain }: { problem?: Problem | undefined; explain?: Record<string, string> | undefined }) {
  const { t } = useTranslation()
  if (!problem) return null
  const told = explain?.[problem.code] ?? (problem.code === 'outdated' ? t('form.outdated') : problem.code === 'unreachable' ? t('state.unreachable') : undefined)
  return (
    <Alert color="red" role="alert" title={told}>
      <Text size="sm" className="said">
        {problem.detail} <span className="mono">({[problem.code, problem.field].filter(Boolean).join(': ')})</span>
      </Text>
    </Alert>
  )
}

interface SheetProps {
  title: string
  opened: boolean
  onClose: () => void
  children: ReactNode
  size?: string
  /** Something was changed, and not saved yet: closing it asks first. */
  isDirty?: boolean
}

/** Where one thing is looked at and changed, beside the list that it is in. */
export function Sheet({ title, opened, onClose, children, size = 'lg', isDirty = false }: SheetProps) {
  const { t } = useTranslation()
  const guarded = useGuarded(onClose, isDirty)
  const isTopmost = useTopmost(opened)
  return (
    <Drawer
      opened={opened}
      onClose={guarded.close}
      closeOnEscape={isTopmost}
      position="right"
      size={size}
      title={<strong className="said">{title}</strong>}
      closeButtonProps={{ 'aria-label': t('act.close') }}
    >
      {guarded.guard(children)}
    </Drawer>
  )
}

interface FieldsProps {
  /** Why nothing can be changed here; absent: it can. */
  locked?: string | undefined
  children: ReactNode
}

/** The fields of a form; where they are locked, it is said why. */
export function Fields({ locked, children }: FieldsProps) {
  return (
    <Fieldset variant="unstyled" disabled={Boolean(locked)} miw={0} m={0} p={0}>
      <Stack gap="sm">
        {locked && <Alert color="gray">{locked}</Alert>}
        {children}
      </Stack>
    </Fieldset>
  )
}

/** The foot of a form: save, and what else can be done. */
export function SaveBar({ saving, label, onCancel, children }: { saving: boolean; label?: string; onCancel?: (() => void) | undefined; children?: ReactNode }) {
  const { t } = useTranslation()
  return (
    <Group justify="space-between" mt="sm">
      <Group gap="xs">{children}</Group>
      <Group gap="xs">
        {onCancel && (
          <Button variant="default" onClick={onCancel}>
            {t('act.cancel')}
          </Button>
        )}
        <Button type="submit" loading={saving}>
          {label ?? t('act.save')}
        </Button>
      </Group>
    </Group>
  )
}
