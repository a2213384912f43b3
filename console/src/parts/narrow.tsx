/** Fields that narrow a list. What they say is in the page's address, by the API's own names. */
import { CloseButton, Group, Select } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useAsked } from './asked'
import type { Choice } from './choices'
import { Typed } from './typed'

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
          <Typed key={one.name} size="xs" w={one.width ?? 170} aria-label={one.label} title={one.label} placeholder={one.label} value={asked[one.name] ?? ''} say={(text) => ask({ [one.name]: text || undefined })} />
        ),
      )}
      {given.length > 0 && (
        <CloseButton aria-label={t('act.clear')} title={t('act.clear')} onClick={() => ask(Object.fromEntries(given.map(({ name }) => [name, undefined])))} />
      )}
    </Group>
  )
}
