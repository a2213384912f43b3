/**
 * What a list is narrowed by: a search, chips for what is set, and one control that adds. Everything it says is in the
 * address, by the API's names.
 */
import { Button, Group, Popover, Select, Stack, UnstyledButton } from '@mantine/core'
import { IconFilterPlus, IconSearch } from '@tabler/icons-react'
import { type ReactNode, type Ref, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Typed } from '../typed'
import { Chip } from './chips'
import { type Filter, setOf } from './table'
import { useAddress } from './use'
import { Value } from './value'

interface Props<F extends Filter> {
  filters: readonly F[]
  /** What a filter is called. */
  label: (name: F['name']) => string
  /** Without a search field: `null`. */
  search?: { placeholder: string; field?: Ref<HTMLInputElement> } | null
  /** Stands before the chips: what else narrows. */
  children?: ReactNode
}

export function FilterBar<F extends Filter>({ filters, label, search: sought, children }: Props<F>) {
  const { t } = useTranslation(['errors', 'common'])
  const { search, change } = useAddress()
  const set = setOf(filters, search)
  // `''`: a filter is still to be chosen; `null`: none is.
  const [edited, setEdited] = useState<string | null>(null)
  const filter = filters.find(({ name }) => name === edited)
  const choose = (name: string, value: string | undefined) => {
    setEdited(null)
    change({ [name]: value })
  }
  const clear = () => change({ ...Object.fromEntries(filters.map(({ name }) => [name, undefined])), q: undefined })
  return (
    <Group gap={6} role="search" aria-label={t('common:act.filter')}>
      {sought && <SearchField {...sought} value={search.q ?? ''} onSearch={(q) => change({ q: q || undefined }, { replace: true })} />}
      {children}
      {set.map(({ value, ...one }) => (
        <Chip key={one.name} filter={one} value={value} label={label(one.name)} onEdit={() => setEdited(one.name)} onRemove={() => choose(one.name, undefined)} />
      ))}
      <Popover opened={edited !== null} onChange={(open) => !open && setEdited(null)} position="bottom-start" trapFocus withinPortal width={300} shadow="md">
        <Popover.Target>
          <Button size="compact-xs" variant="default" leftSection={<IconFilterPlus size={13} aria-hidden />} onClick={() => setEdited(edited === null ? '' : null)}>
            {t('filters.add')}
          </Button>
        </Popover.Target>
        <Popover.Dropdown>
          <Stack gap="xs">
            <Select
              size="xs"
              label={t('filters.by')}
              placeholder={t('filters.choose')}
              searchable
              defaultDropdownOpened={edited === ''}
              nothingFoundMessage={t('filters.noWord')}
              data={filters.map(({ name }) => ({ value: name, label: label(name as F['name']) }))}
              value={edited || null}
              onChange={(name) => setEdited(name ?? '')}
              maxDropdownHeight={320}
              comboboxProps={{ withinPortal: false }}
              data-autofocus={edited === '' || undefined}
            />
            {filter && <Value key={filter.name} filter={filter} label={label(filter.name as F['name'])} value={search[filter.name]} onChoose={(value) => choose(filter.name, value)} />}
          </Stack>
        </Popover.Dropdown>
      </Popover>
      {(set.length > 0 || search.q) && (
        <UnstyledButton fz="xs" td="underline" onClick={clear}>
          {t('common:act.clear')}
        </UnstyledButton>
      )}
    </Group>
  )
}

function SearchField({ placeholder, field, value, onSearch }: { placeholder: string; field?: Ref<HTMLInputElement>; value: string; onSearch: (text: string) => void }) {
  return (
    <Typed
      ref={field}
      size="xs"
      w={{ base: '100%', xs: 240 }}
      type="search"
      aria-label={placeholder}
      placeholder={placeholder}
      leftSection={<IconSearch size={14} aria-hidden />}
      value={value}
      say={onSearch}
      onKeyDown={(event) => {
        // It leaves the field, and what was sought stays: browsers would empty it.
        if (event.key === 'Escape' && !event.nativeEvent.isComposing) {
          event.preventDefault()
          event.currentTarget.blur()
        }
      }}
    />
  )
}
