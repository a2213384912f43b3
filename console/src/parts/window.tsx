/** The time that is looked at. It is in the page's address, and every page reads it from there. */
import { Button, Group, Popover, SegmentedControl, Stack, TextInput } from '@mantine/core'
import { IconClock } from '@tabler/icons-react'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Search, WINDOW, windowOf } from '../app/search'
import { local } from './when'
import { useJoined } from './joined'

export const SPANS = ['5m', '30m', '1h', '6h', '24h', '7d', '30d'] as const

/** The window as the API takes it: what the address says, else this. */
export function useWindow(otherwise?: (typeof SPANS)[number]): Search {
  return windowIn(useSearch({ strict: false }), otherwise)
}

/** The window that an address names. */
export function windowIn(search: Search, otherwise: (typeof SPANS)[number] = '1h'): Search {
  const window = windowOf(search)
  return Object.keys(window).length > 0 ? window : { time_range: otherwise }
}

/** A window in words: `the last 30 days`, or from when to when. */
export function useSaidWindow(): (window: Search) => string {
  const { t, i18n } = useTranslation()
  return ({ time_range, start_time, end_time }) => {
    const span = SPANS.find((one) => one === time_range)
    if (span) return t('time.ofLast', { span: t(`time.spans.${span}`) })
    return time_range ?? [start_time, end_time].map((at) => (at ? local(Date.parse(at), i18n.language) : t('time.now'))).join(' – ')
  }
}

/** Looks at another time, on the page that is shown. */
export function useSetWindow(): (window: Search) => void {
  const navigate = useNavigate()
  return (window) =>
    void navigate({
      to: '.',
      search: (old: Search) => ({ ...Object.fromEntries(Object.entries(old).filter(([name]) => ![...WINDOW, 'cursor', 'page'].includes(name))), ...window }),
    })
}

/** Shorter than this is a click. */
const SHORTEST_MS = 1_000

/** A span that is brushed on a chart is the window from then on, of every list. */
export function useBrush(): (from: number, to: number) => void {
  const set = useSetWindow()
  return (from, to) => {
    if (to - from >= SHORTEST_MS) set(windowFrom(from, to))
  }
}

/** From one moment to another, in milliseconds since 1970, as a window: not shorter than that. */
export function windowFrom(from: number, to: number): Search {
  return { start_time: iso(Math.floor(from)), end_time: iso(Math.ceil(to)) }
}

export function WindowPicker() {
  const { t, i18n } = useTranslation()
  const { named } = useJoined()
  const window = useWindow()
  const set = useSetWindow()
  const [open, setOpen] = useState(false)
  const [from, setFrom] = useState('')
  const [to, setTo] = useState('')
  const said = window.time_range ?? [window.start_time, window.end_time].map((at) => (at ? local(Date.parse(at), i18n.language) : t('time.now'))).join(' – ')
  const choose = (next: Search) => {
    setOpen(false)
    set(next)
  }
  return (
    <Popover opened={open} onChange={setOpen} position="bottom-end" trapFocus withinPortal>
      <Popover.Target>
        <Button size="xs" variant="default" leftSection={<IconClock size={14} aria-hidden />} onClick={() => setOpen(!open)} aria-label={named(t('time.window'), said)}>
          {said}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="xs">
          <SegmentedControl size="xs" data={[...SPANS]} value={window.time_range ?? ''} onChange={(time_range) => choose({ time_range })} aria-label={t('time.window')} />
          <Group align="end" gap="xs">
            <TextInput size="xs" type="datetime-local" step={1} label={t('time.from')} value={from} onChange={(event) => setFrom(event.currentTarget.value)} />
            <TextInput size="xs" type="datetime-local" step={1} label={t('time.to')} value={to} onChange={(event) => setTo(event.currentTarget.value)} />
            <Button size="xs" disabled={!from} onClick={() => choose({ start_time: iso(from), ...(to ? { end_time: iso(to) } : {}) })}>
              {t('time.apply')}
            </Button>
          </Group>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  )
}

function iso(at: string | number): string {
  return new Date(at).toISOString()
}
