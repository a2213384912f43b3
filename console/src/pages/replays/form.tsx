/** Sends failures again, within a budget. */
import { Alert, Button, Group, Modal, NumberInput, SegmentedControl, Select, Stack, Text, Textarea } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useDisclosure } from '@mantine/hooks'
import { IconCoin } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { api } from '../../api/client'
import { useAccountChoices } from '../../parts/choices'
import { toFields } from '../../parts/fields'

interface Props {
  /** Which failures, by the list's names. */
  filter: Record<string, string>
  platform?: string
  /** Whether clients saw none of them. */
  isHidden?: boolean
  label: string
}

const FIELDS = ['mode', 'pinned_account_id', 'budget.max_count', 'budget.per_minute', 'budget.max_usd', 'note', 'filter.time_range', 'filter.recovered']

export function ReplayButton(props: Props) {
  const [open, { open: ask, close }] = useDisclosure()
  const { t } = useTranslation(['replays', 'common'])
  return (
    <>
      <Button size="xs" onClick={ask}>
        {props.label}
      </Button>
      <Modal opened={open} onClose={close} title={t('form.title')} size="lg" closeButtonProps={{ 'aria-label': t('common:act.close') }}>
        <Form {...props} close={close} />
      </Modal>
    </>
  )
}

function Form({ filter, platform, isHidden = false, close }: Props & { close: () => void }) {
  const { t } = useTranslation('replays')
  const navigate = useNavigate()
  const queries = useQueryClient()
  const accounts = useAccountChoices(platform)
  const form = useForm({
    initialValues: {
      mode: 'client' as 'client' | 'upstream',
      pinned_account_id: null as string | null,
      filter: { recovered: isHidden ? 'true' : 'false', time_range: '24h' },
      budget: { max_count: 100 as number | '', per_minute: 60 as number | '', max_usd: '' as number | '' },
      note: '',
    },
  })
  const submit = form.onSubmit(async ({ mode, pinned_account_id, filter: chosen, budget, note }) => {
    const { recovered, time_range } = chosen
    await api
      .POST('/api/v1/admin/ops/replays', {
        body: {
          filter: { ...filter, time_range, ...(recovered === 'true' ? { recovered } : {}) },
          mode,
          pinned_account_id: mode === 'upstream' && pinned_account_id ? Number(pinned_account_id) : null,
          budget: { max_count: orNull(budget.max_count), per_minute: orNull(budget.per_minute), max_usd: orNull(budget.max_usd) },
          note: note.trim() || null,
        },
      })
      .then(async ({ data }) => {
        close()
        await queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === 'replays' || String(queryKey[1]).includes('/ops/replays') })
        if (data) await navigate({ to: '/replays/$id', params: { id: String(data.id) } })
      }, toFields(form, FIELDS))
  })
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Alert color="yellow" icon={<IconCoin />} p="xs">
          {t('form.what')}
        </Alert>
        <Group gap="md" align="end">
          <SegmentedControl
            size="xs"
            aria-label={t('form.mode')}
            data={(['client', 'upstream'] as const).map((value) => ({ value, label: t(`mode.${value}`) }))}
            {...form.getInputProps('mode')}
          />
          {form.values.mode === 'upstream' && (
            <Select size="xs" label={t('form.account')} description={t('form.accountHint')} data={accounts} searchable clearable {...form.getInputProps('pinned_account_id')} />
          )}
        </Group>
        <Group gap="md" align="end">
          <Select
            size="xs"
            label={t('form.which')}
            data={[
              { value: 'false', label: t('form.seen') },
              { value: 'true', label: t('form.hidden') },
            ]}
            allowDeselect={false}
            {...form.getInputProps('filter.recovered')}
          />
          <Select size="xs" w={100} label={t('form.time')} data={['1h', '6h', '24h', '7d', '30d']} allowDeselect={false} {...form.getInputProps('filter.time_range')} />
        </Group>
        <Group gap="md" align="start" grow>
          <NumberInput size="xs" label={t('form.count')} min={1} max={10_000} allowDecimal={false} {...form.getInputProps('budget.max_count')} />
          <NumberInput size="xs" label={t('form.perMinute')} min={1} max={600} allowDecimal={false} {...form.getInputProps('budget.per_minute')} />
          <NumberInput size="xs" label={t('form.usd')} min={0} decimalScale={6} {...form.getInputProps('budget.max_usd')} />
        </Group>
        <Text size="xs">{t('form.usdHint')}</Text>
        <Textarea size="xs" label={t('form.note')} autosize minRows={2} {...form.getInputProps('note')} />
        <Group justify="end">
          <Button type="submit" size="xs" loading={form.submitting}>
            {t('form.start')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function orNull(value: number | ''): number | null {
  return value === '' ? null : value
}
