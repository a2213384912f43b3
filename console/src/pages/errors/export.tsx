/** The rows of a list as a file: CSV or JSON, had through the documented API. */
import { Button, Group, Modal, Progress, SegmentedControl, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Search } from '../../app/search'
import { count } from '../../parts/number'
import { Failed } from '../../parts/states'
import { collect, csv, MOST_ROWS } from './collect'

interface Props<R> {
  opened: boolean
  onClose: () => void
  query: Search
  ask: (query: Search, signal?: AbortSignal) => Promise<{ rows: R[]; next?: string | null }>
  /** Columns of a CSV file, by the API's names. */
  names: readonly string[]
  /** The file's name without its ending. */
  file: string
}

type Format = 'csv' | 'json'

export function Export<R extends object>({ opened, onClose, query, ask, names, file }: Props<R>) {
  const { t, i18n } = useTranslation(['errors', 'common'])
  const [format, setFormat] = useState<Format>('csv')
  const [done, setDone] = useState(0)
  const stop = useRef<AbortController | null>(null)
  const run = useMutation({
    mutationFn: async () => {
      const aborted = new AbortController()
      stop.current = aborted
      setDone(0)
      const found = await collect(query, (page) => ask(page, aborted.signal), setDone)
      if (aborted.signal.aborted) return undefined
      const text = format === 'csv' ? csv(found.rows, names) : JSON.stringify(found.rows, null, 1)
      hand(text, format === 'csv' ? 'text/csv' : 'application/json', `${file}-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.${format}`)
      return { rows: found.rows.length, isWhole: found.isWhole }
    },
  })
  const close = () => {
    stop.current?.abort()
    run.reset()
    onClose()
  }
  const most = count(MOST_ROWS, i18n.language)
  return (
    <Modal opened={opened} onClose={close} title={t('export.title')} centered size="sm">
      <Stack gap="sm">
        <Text size="sm">{t('export.what', { most })}</Text>
        <SegmentedControl
          aria-label={t('export.format')}
          data={[
            { value: 'csv', label: 'CSV' },
            { value: 'json', label: 'JSON' },
          ]}
          value={format}
          onChange={(value) => setFormat(value as Format)}
          disabled={run.isPending}
        />
        {run.isPending && <Progress value={Math.max(2, (done / MOST_ROWS) * 100)} animated aria-label={t('export.progress', { rows: String(done) })} />}
        <Text size="sm" role="status" mih={22}>
          {run.isPending && t('export.progress', { rows: count(done, i18n.language) })}
          {run.data && t(run.data.isWhole ? 'export.whole' : 'export.cut', { rows: count(run.data.rows, i18n.language) })}
        </Text>
        {run.isError && !stop.current?.signal.aborted && <Failed thrown={run.error} />}
        <Group justify="end">
          <Button variant="default" onClick={close}>
            {t(run.isPending ? 'common:act.cancel' : 'common:act.close')}
          </Button>
          <Button onClick={() => run.mutate()} loading={run.isPending}>
            {t('common:act.export')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}

/** Gives the browser a file. */
function hand(text: string, type: string, name: string) {
  const url = URL.createObjectURL(new Blob([text], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
