/** Where one filter's value is chosen or written. */
import { Button, Group, Select, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { isNamed, useNames } from './names'
import { type Filter, statuses } from './table'
import { useGateway } from '../../words/gateway'

interface Props {
  filter: Filter
  label: string
  value: string | undefined
  onChoose: (value: string) => void
}

export function Value(props: Props) {
  const { kind } = props.filter
  if (kind === 'text' || kind === 'statuses') return <Written {...props} />
  return <Chosen {...props} />
}

function Chosen({ filter, label, value, onChoose }: Props) {
  const { t } = useTranslation(['errors', 'common'])
  const { filtered } = useGateway()
  const { names, isLoading } = useNames(isNamed(filter.kind) ? filter.kind : undefined)
  const [sought, setSought] = useState('')
  const yesNo = ['true', 'false'].map((one) => ({ value: one, label: t(one === 'true' ? 'common:yes' : 'common:no') }))
  const data = filter.kind === 'yesNo' ? yesNo : isNamed(filter.kind) ? withId(names, sought) : (filter.values ?? []).map((one) => ({ value: one, label: filtered(filter.name, one) }))
  return (
    <Select
      size="xs"
      label={label}
      placeholder={isLoading ? t('common:state.loading') : t('filters.choose')}
      data={data}
      value={value ?? null}
      onChange={(next) => next && onChoose(next)}
      searchable={filter.kind !== 'yesNo'}
      onSearchChange={setSought}
      nothingFoundMessage={isNamed(filter.kind) ? t('filters.noName') : t('filters.noWord')}
      maxDropdownHeight={280}
      comboboxProps={{ withinPortal: false }}
      data-autofocus
      autoFocus
    />
  )
}

/** A number that is nobody's name is taken as an id: of what is older, or further down, than the list has. */
function withId(names: { value: string; label: string }[], sought: string) {
  const id = sought.replace(/^#/, '')
  const isNew = /^\d+$/.test(id) && !names.some(({ value }) => value === id)
  return isNew ? [...names, { value: id, label: `#${id}` }] : names
}

function Written({ filter, label, value, onChoose }: Props) {
  const { t } = useTranslation(['errors', 'common'])
  const [text, setText] = useState(value ?? '')
  const good = filter.kind === 'statuses' ? statuses(text) : text.trim() || undefined
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (good) onChoose(good)
  }
  return (
    <form onSubmit={submit}>
      <Group gap="xs" align="end" wrap="nowrap">
        <TextInput
          size="xs"
          flex={1}
          label={label}
          description={filter.kind === 'statuses' ? t('filters.statuses') : undefined}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          data-autofocus
          autoFocus
          dir="auto"
        />
        <Button size="xs" type="submit" disabled={!good}>
          {t('filters.set')}
        </Button>
      </Group>
    </form>
  )
}
