/**
 * A field whose text is said once typing rests. Promises: what is being typed is never taken away, neither by its own
 * echo in the address nor while a word is composed from several keys.
 */
import { TextInput, type TextInputProps } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { type Ref, useEffect, useRef, useState } from 'react'
import { heard, type Said, said } from './said'

interface Props extends Omit<TextInputProps, 'value' | 'onChange' | 'onCompositionEnd' | 'defaultValue' | 'ref'> {
  /** What was said last, as the address has it. */
  value: string
  /** Without spaces around it. */
  say: (text: string) => void
  ref?: Ref<HTMLInputElement> | undefined
}

const REST_MS = 400

export function Typed({ value, say, onKeyDown, ...rest }: Props) {
  const [text, setText] = useState(value)
  const spoken = useRef<Said>({ value, waits: [] })
  const tell = (written: string) => {
    later.cancel()
    const next = said(spoken.current, written.trim())
    if (next === spoken.current) return
    spoken.current = next
    say(written.trim())
  }
  const later = useDebouncedCallback(tell, REST_MS)
  // The address may change by itself, too: the way back, a saved view.
  useEffect(() => {
    const { isEcho, next } = heard(spoken.current, value)
    spoken.current = next
    if (isEcho) return
    later.cancel()
    setText((old) => (old.trim() === value ? old : value))
  }, [value, later])
  return (
    <TextInput
      dir="auto"
      {...rest}
      value={text}
      onChange={({ currentTarget, nativeEvent }) => {
        setText(currentTarget.value)
        if ((nativeEvent as InputEvent).isComposing) later.cancel()
        else later(currentTarget.value)
      }}
      onCompositionEnd={({ currentTarget }) => later(currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && !event.nativeEvent.isComposing) tell(text)
        onKeyDown?.(event)
      }}
    />
  )
}
