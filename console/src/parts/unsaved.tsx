/**
 * What was changed and not saved is not thrown away unasked: neither by a click beside a form, nor by leaving the page.
 * Whoever cancels has said so already.
 */
import { Button, Group, Modal, Text } from '@mantine/core'
import { useBlocker } from '@tanstack/react-router'
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useTopmost } from './layers'

const Told = createContext<((isDirty: boolean) => void) | undefined>(undefined)

/** Tells what lies over the page and has this form in it whether something was changed there. */
export function useUnsaved(isDirty: boolean): void {
  const tell = useContext(Told)
  useEffect(() => {
    tell?.(isDirty)
    return () => tell?.(false)
  }, [tell, isDirty])
}

/** For what lies over the page: a way to close it that asks first, and what its content has to stand in. */
export function useGuarded(close: () => void, isDirtyItself = false): { close: () => void; guard: (content: ReactNode) => ReactNode } {
  const [isDirtyInside, setDirtyInside] = useState(false)
  const [asks, setAsks] = useState(false)
  const isDirty = isDirtyItself || isDirtyInside
  useBeforeUnload(isDirty)
  const discard = () => {
    setAsks(false)
    close()
  }
  return {
    close: () => (isDirty ? setAsks(true) : close()),
    guard: (content) => (
      <Told value={setDirtyInside}>
        {content}
        <Question isOpen={asks} stay={() => setAsks(false)} discard={discard} />
      </Told>
    ),
  }
}

/** On a page that is itself a form: leaving it asks first. Whose session is over has to leave. */
export function LeaveGuard({ isDirty }: { isDirty: boolean }) {
  const { status, proceed, reset } = useBlocker({
    shouldBlockFn: ({ current, next }) => isDirty && current.pathname !== next.pathname && !next.pathname.endsWith('/sign-in'),
    enableBeforeUnload: () => isDirty,
    withResolver: true,
  })
  return <Question isOpen={status === 'blocked'} stay={() => reset?.()} discard={() => proceed?.()} />
}

function useBeforeUnload(isDirty: boolean): void {
  useEffect(() => {
    if (!isDirty) return
    const ask = (event: BeforeUnloadEvent) => event.preventDefault()
    window.addEventListener('beforeunload', ask)
    return () => window.removeEventListener('beforeunload', ask)
  }, [isDirty])
}

function Question({ isOpen, stay, discard }: { isOpen: boolean; stay: () => void; discard: () => void }) {
  const { t } = useTranslation()
  const isTopmost = useTopmost(isOpen)
  return (
    <Modal opened={isOpen} onClose={stay} title={<strong>{t('form.unsaved')}</strong>} closeOnEscape={isTopmost} centered size="sm" zIndex={410} closeButtonProps={{ 'aria-label': t('act.close') }}>
      <Text size="sm">{t('form.unsavedWhat')}</Text>
      <Group justify="end" mt="md" gap="xs">
        <Button size="xs" variant="default" onClick={stay} data-autofocus>
          {t('form.stay')}
        </Button>
        <Button size="xs" color="red" onClick={discard}>
          {t('form.discard')}
        </Button>
      </Group>
    </Modal>
  )
}
