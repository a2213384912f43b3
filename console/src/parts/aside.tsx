/** What comes over the page: a form or one thing of a list at its side, a question in its middle. */
import { Button, type ButtonProps, Drawer, Group, Modal, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useTopmost } from './layers'
import { tellProblem } from './told'
import { useGuarded } from './unsaved'

interface AsideProps {
  open: boolean
  close: () => void
  title: ReactNode
  size?: string | number
  children: ReactNode
}

export function Aside({ open, close, title, size = 'lg', children }: AsideProps) {
  const { t } = useTranslation()
  const guarded = useGuarded(close)
  const isTopmost = useTopmost(open)
  return (
    <Drawer opened={open} onClose={guarded.close} title={title} size={size} position="right" closeOnEscape={isTopmost} closeButtonProps={{ 'aria-label': t('act.close') }} styles={{ title: { fontWeight: 600 } }}>
      {guarded.guard(children)}
    </Drawer>
  )
}

interface SureProps extends ButtonProps {
  /** What the button says. */
  children: ReactNode
  /** What will happen, as a sentence. */
  what: ReactNode
  act: () => Promise<unknown>
}

/** A button that asks once more before it does what cannot be taken back. */
export function SureButton({ children, what, act, ...rest }: SureProps) {
  const { t } = useTranslation()
  const [open, { open: ask, close }] = useDisclosure()
  const isTopmost = useTopmost(open)
  const [busy, setBusy] = useState(false)
  const go = () => {
    setBusy(true)
    void act()
      .then(close, tellProblem)
      .finally(() => setBusy(false))
  }
  return (
    <>
      <Button size="xs" variant="default" {...rest} onClick={ask}>
        {children}
      </Button>
      <Modal opened={open} onClose={close} title={t('act.confirm')} closeOnEscape={isTopmost} centered closeButtonProps={{ 'aria-label': t('act.close') }}>
        <Text size="sm" className="said">
          {what}
        </Text>
        <Group justify="end" mt="md" gap="xs">
          <Button size="xs" variant="default" onClick={close} data-autofocus>
            {t('act.cancel')}
          </Button>
          <Button size="xs" color="red" loading={busy} onClick={go}>
            {children}
          </Button>
        </Group>
      </Modal>
    </>
  )
}
