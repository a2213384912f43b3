/** Fields that narrow a list. What they say is in the page's address, by the API's own names. */
import { CloseButton, Group, Select, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAsked } from './asked'
import type { Choice } from './choices'

export interface Narrowing {
  /** The API's name. */
  name: string
  label: string
  /** Without choices it is text. */
  choices?: readonly (string | Choice)[]
  width?: number
}

export function Narrow({ by }: { by: readonly Narrowing[] }) {
  const { t } = useTranslation()
  const [asked, ask] = useAsked()
  const given = by.filter(({ name }) => asked[name])
  return (
    <Group gap={6} mb="xs" role="search">
      {by.map((one) =>
        one.choices ? (
          <Select
            key={one.name}
            size="xs"
            w={one.width ?? 150}
            aria-label={one.label}
            title={one.label}
            placeholder={one.label}
            data={[...one.choices]}
            value={asked[one.name] ?? null}
            onChange={(value) => ask({ [one.name]: value ?? undefined })}
            clearable
            searchable
          />
        ) : (
          <Typed key={one.name} {...one} />
        ),
      )}
      {given.length > 0 && (
        <CloseButton aria-label={t('act.clear')} title={t('act.clear')} onClick={() => ask(Object.fromEntries(given.map(({ name }) => [name, undefined])))} />
      )}
    </Group>
  )
}

/** Text is asked for once its typing rests. */
function Typed({ name, label, width = 170 }: Narrowing) {
  const [asked, ask] = useAsked()
  const [text, setText] = useState(asked[name] ?? '')
  useEffect(() => setText(asked[name] ?? ''), [asked, name])
  const later = useDebouncedCallback((value: string) => ask({ [name]: value.trim() || undefined }), 400)
  return (
    <TextInput
      size="xs"
      w={width}
      aria-label={label}
      title={label}
      placeholder={label}
      value={text}
      onChange={({ currentTarget: { value } }) => {
        setText(value)
        later(value)
      }}
    />
  )
}
