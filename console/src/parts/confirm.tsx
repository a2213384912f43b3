/** What cannot be taken back is asked about first: what will be gone, and, where the API takes it, why. */
import { Button, type ButtonProps, Group, Modal, Stack, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { problemOf } from '../api/problem'
import { Trouble } from './form'
import { useTopmost } from './layers'
import { tellDone } from './told'

interface Props extends ButtonProps {
  /** On the button, and on the one that does it. */
  label: string
  title: string
  /** What will be the case afterwards. */
  children?: ReactNode
  act: (reason: string | undefined) => Promise<unknown>
  onDone?: () => void
  /** Asks for a reason; one need not be given. */
  asksReason?: boolean
  /** What the API's refusals mean here, by code. */
  explain?: Record<string, string>
  done?: string
}

export function ConfirmButton({ label, title, children, act, onDone, asksReason, explain, done, color = 'red', ...button }: Props) {
  const { t } = useTranslation()
  const [opened, { open, close }] = useDisclosure()
  const isTopmost = useTopmost(opened)
  const [reason, setReason] = useState('')
  const queries = useQueryClient()
  const acted = useMutation({
    mutationFn: () => act(reason.trim() || undefined),
    onSuccess: async () => {
      close()
      setReason('')
      tellDone(done)
      onDone?.()
      await queries.invalidateQueries()
    },
  })
  return (
    <>
      <Button
        variant="light"
        {...button}
        color={color}
        onClick={() => {
          acted.reset()
          open()
        }}
      >
        {label}
      </Button>
      <Modal opened={opened} onClose={close} title={<strong className="said">{title}</strong>} closeOnEscape={isTopmost} closeButtonProps={{ 'aria-label': t('act.close') }} zIndex={400}>
        <form
          onSubmit={(event) => {
            event.preventDefault()
            event.stopPropagation()
            acted.mutate()
          }}
        >
          <Stack gap="sm">
            {children && <div className="said">{children}</div>}
            {asksReason && <TextInput label={t('form.reason')} description={t('form.reasonWhere')} value={reason} onChange={(event) => setReason(event.currentTarget.value)} maxLength={1024} data-autofocus />}
            <Trouble problem={acted.error ? problemOf(acted.error) : undefined} explain={explain} />
            <Group justify="flex-end" gap="xs">
              <Button variant="default" onClick={close}>
                {t('act.cancel')}
              </Button>
              <Button type="submit" color={color} loading={acted.isPending}>
                {label}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  )
}
