/** What models cost: one table, read and replaced whole. */
import { Button, NumberInput, Table, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { IconPlus } from '@tabler/icons-react'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { $api, api, type Of } from '../../api/client'
import { type Base, Theirs, useBase } from '../../parts/base'
import { Fields, SaveBar, Trouble, useSave } from '../../parts/form'
import { unlessOthersChanged } from '../../parts/meanwhile'
import { numberOf } from '../../parts/problem-field'
import { Empty, Loaded } from '../../parts/states'
import { LeaveGuard } from '../../parts/unsaved'
import { Part } from './choices'

type Price = Of<'Price'>

const COLUMNS = ['input', 'output', 'cache_read', 'cache_write'] as const

export function Prices({ locked }: { locked: string | undefined }) {
  const { t } = useTranslation('settings')
  const prices = $api.useQuery('get', '/api/v1/admin/prices')
  return (
    <Part title={t('prices.title')} hint={t('prices.hint')}>
      <Loaded query={prices} rows={6}>
        {({ prices }) => <Kept newest={prices} locked={locked} />}
      </Loaded>
    </Part>
  )
}

function rowOf(price?: Price) {
  return { model: price?.model ?? '', ...(Object.fromEntries(COLUMNS.map((name) => [name, price?.[name] ?? ''])) as Record<(typeof COLUMNS)[number], number | string>) }
}

type Row = ReturnType<typeof rowOf>

const priceOf = ({ model, input, output, cache_read, cache_write }: Row): Price => ({ model: model.trim(), input: numberOf(input) ?? 0, output: numberOf(output) ?? 0, cache_read: numberOf(cache_read), cache_write: numberOf(cache_write) })

function Kept({ newest, locked }: { newest: Price[]; locked: string | undefined }) {
  const base = useBase(newest, JSON.stringify)
  return (
    <>
      <LeaveGuard isDirty={base.isDirty} />
      <Editor key={base.key} base={base} locked={locked} />
    </>
  )
}

function Editor({ base, locked }: { base: Base<Price[]>; locked: string | undefined }) {
  const { t } = useTranslation(['settings', 'common'])
  const { value: before, setDirty } = base
  const form = useForm({
    initialValues: { prices: before.map(rowOf) },
    validate: { prices: { model: (value) => (value.trim() ? null : t('prices.needed')), input: (value) => (numberOf(value) === null ? t('prices.needed') : null), output: (value) => (numberOf(value) === null ? t('prices.needed') : null) } },
  })
  const { save, isSaving, problem } = useSave({
    form,
    fields: ['prices.*.model', ...COLUMNS.map((name) => `prices.*.${name}`)],
    send: async ({ prices }: typeof form.values) => {
      // The table has no version: what somebody else put there meanwhile must not be lost unseen.
      await unlessOthersChanged(async () => (await api.GET('/api/v1/admin/prices')).data, (now) => JSON.stringify(now.prices) === JSON.stringify(before))
      return await api.PUT('/api/v1/admin/prices', { body: { prices: prices.map(priceOf) } })
    },
    onDone: () => setDirty(false),
  })
  const isDirty = form.isDirty()
  useEffect(() => setDirty(isDirty), [setDirty, isDirty])
  const rows = form.values.prices
  return (
    <form onSubmit={form.onSubmit((values) => save(values))} noValidate>
      <Fields locked={locked}>
        {rows.length === 0 ? (
          <Empty>{t('prices.empty')}</Empty>
        ) : (
          <Table.ScrollContainer minWidth={760}>
            <Table verticalSpacing={4} horizontalSpacing={4}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('prices.model')}</Table.Th>
                  {COLUMNS.map((name) => (
                    <Table.Th key={name} w={130}>
                      {t(`prices.${name}`)}
                    </Table.Th>
                  ))}
                  <Table.Th w={90} />
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {rows.map((row, index) => (
                  <Table.Tr key={index}>
                    <Table.Td>
                      <TextInput size="xs" aria-label={`${t('prices.model')} ${index + 1}`} placeholder="claude-sonnet-4*" {...form.getInputProps(`prices.${index}.model`)} />
                    </Table.Td>
                    {COLUMNS.map((name) => (
                      <Table.Td key={name}>
                        <NumberInput
                          size="xs"
                          aria-label={`${t(`prices.${name}`)}, ${row.model || index + 1}`}
                          placeholder={name.startsWith('cache') ? t('prices.asInput') : ''}
                          prefix="$"
                          min={0}
                          decimalScale={6}
                          hideControls
                          {...form.getInputProps(`prices.${index}.${name}`)}
                        />
                      </Table.Td>
                    ))}
                    <Table.Td>
                      {!locked && (
                        <Button size="compact-xs" variant="subtle" color="red" aria-label={`${t('common:act.delete')} ${row.model || index + 1}`} onClick={() => form.removeListItem('prices', index)}>
                          {t('common:act.delete')}
                        </Button>
                      )}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
        <Trouble problem={problem} />
        <Theirs base={base} />
      </Fields>
      {!locked && (
        <SaveBar saving={isSaving} label={t('prices.save')}>
          <Button size="xs" variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => form.insertListItem('prices', rowOf())}>
            {t('prices.add')}
          </Button>
        </SaveBar>
      )}
    </form>
  )
}
