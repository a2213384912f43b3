/**
 * A dense list of any length. Only the rows in sight are in the page; the next page is had when its end comes near.
 * Keys: `j` `k` or arrows move, `enter` opens. The chosen row stays the chosen one when others come above it, and what
 * is read does not move away; whoever comes back from a row finds it chosen.
 */
import { Box, Button, Checkbox, Group, Loader, Menu, Text, UnstyledButton } from '@mantine/core'
import { IconAlertCircle, IconColumns } from '@tabler/icons-react'
import { useMediaQuery } from '@mantine/hooks'
import { memo, type ReactNode, useCallback, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { problemOf } from '../api/problem'
import { useInSight } from './in-sight'
import { isTaken } from './keys'
import classes from './list.module.css'
import { useToday } from './now'
import type { Stopped } from './pages'
import { type Place, placesFor } from './places'

export interface Column<Row> {
  key: string
  title: string
  /** A CSS grid track in pixels: `90px`, `minmax(200px, 2fr)`. */
  width: `${number}px` | `minmax(${number}px, ${number}fr)`
  cell: (row: Row) => ReactNode
  align?: 'right'
  /** Not shown until somebody asks for it. */
  hidden?: boolean
}

/** A row where there is no room for columns: two lines, what matters most in the first. */
export interface NarrowRow<Row> {
  title: string
  cell: (row: Row) => ReactNode
}

interface Props<Row> {
  /** Names the list for those who hear it, and its columns for the next visit. */
  name: string
  label: string
  rows: Row[]
  columns: Column<Row>[]
  rowKey: (row: Row) => string | number
  onOpen?: (row: Row) => void
  /** Marks a row: a class of the page's own. */
  rowClass?: (row: Row) => string | undefined
  more?: (() => void) | undefined
  isLoadingMore?: boolean
  /** The next page could not be had. */
  stopped?: Stopped | undefined
  empty?: ReactNode
  height?: string
  /** Stands left of the choice of columns. */
  foot?: ReactNode
  /** What further keys do with the chosen row: `{ r: … }`. */
  keys?: Record<string, (row: Row) => void>
  /** What stands instead of the columns on a phone. */
  narrow?: NarrowRow<Row>
  /** The list is what the page is for: its letters work wherever nobody is writing. */
  wide?: boolean
}

type Key = string | number

const ROW = 34
/** Of two lines. */
const NARROW = 54
/** Mantine's `sm`, below which there are no columns. */
const PHONE = '(max-width: 47.99em)'
const HEAD = 30
/** So many rows before its end a list is to go on. */
const AHEAD = 20

/** The row of each list that was opened last. */
const opened = new Map<string, Key>()

export function List<Row>(props: Props<Row>) {
  const { name, label, rows, rowKey, onOpen, more, empty, height = 'calc(100dvh - 260px)' } = props
  const [chosenColumns, choose] = useColumns(name, props.columns)
  const isPhone = useMediaQuery(PHONE, false, { getInitialValueInEffect: false })
  const narrow = isPhone ? props.narrow : undefined
  const shown = useMemo<Column<Row>[]>(() => (narrow ? [{ key: 'narrow', width: 'minmax(0px, 1fr)', ...narrow }] : chosenColumns), [narrow, chosenColumns])
  const rowHeight = narrow ? NARROW : ROW
  const prefix = useId()
  const [chosen, setChosen] = useState<Key | undefined>(() => opened.get(name))
  const frame = useRef<HTMLDivElement>(null)
  const rowKeyOf = useRef(rowKey)
  const today = useToday()
  // First, for what is in sight is known where the rows stand for good.
  useStill(frame, rows, rowKey, rowHeight)
  const { from, to, isScrolling, isFlying, show } = useInSight(frame, { count: rows.length, row: rowHeight, head: HEAD })
  useEffect(() => {
    if (more && to >= rows.length - AHEAD && rows.length > 0) more()
  }, [to, more, rows.length])

  // What flies by is drawn as little as can be.
  const drawn = useMemo(() => (isFlying ? shown.slice(0, 1) : shown), [isFlying, shown])
  const places = useRef<Place[]>([])
  places.current = placesFor(places.current, { from, to }, isScrolling)

  const at = useMemo(() => (chosen === undefined ? -1 : rows.findIndex((row) => rowKey(row) === chosen)), [chosen, rows, rowKey])
  const isFound = at >= 0
  const comesBack = useRef(chosen !== undefined)
  useEffect(() => {
    if (!isFound || !comesBack.current) return
    comesBack.current = false
    show(at, true)
  }, [isFound, at, show])
  const open = useCallback(
    (row: Row) => {
      if (!onOpen) return
      opened.set(name, rowKey(row))
      onOpen(row)
    },
    [name, onOpen, rowKey],
  )
  const move = (to: number) => {
    const next = Math.max(0, Math.min(rows.length - 1, to))
    const row = rows[next]
    if (row === undefined) return
    setChosen(rowKey(row))
    show(next)
  }
  const onKey = (event: { key: string; preventDefault: () => void }) => {
    const row = rows[at]
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1, PageDown: 15, PageUp: -15 }[event.key]
    if (step !== undefined) move(at + step)
    else if (event.key === 'Home') move(0)
    else if (event.key === 'End') move(rows.length - 1)
    else if (event.key === 'Enter' && row && onOpen) open(row)
    else if (props.keys?.[event.key] && row) props.keys[event.key]?.(row)
    else return
    event.preventDefault()
  }
  const onPageKey = useRef(onKey)
  const onRow = useRef(open)
  useEffect(() => {
    rowKeyOf.current = rowKey
    onPageKey.current = onKey
    onRow.current = open
  })
  const click = useRef((row: unknown) => {
    setChosen(rowKeyOf.current(row as Row))
    // Text that was marked to be copied is not a click.
    if (!getSelection()?.toString()) onRow.current(row as Row)
  }).current
  const { wide } = props
  useEffect(() => {
    if (!wide) return
    const listen = (event: KeyboardEvent) => {
      // Within the frame its own listener hears; elsewhere only letters, and enter where nothing has the focus.
      if (isTaken(event) || frame.current?.contains(event.target as Node)) return
      if (event.key.length > 1 && event.target !== document.body) return
      onPageKey.current(event)
    }
    window.addEventListener('keydown', listen)
    return () => window.removeEventListener('keydown', listen)
  }, [wide])
  const tracks = tracksOf(shown)
  return (
    <Box>
      <div ref={frame} className={classes.frame} style={{ height }} role="grid" aria-label={label} aria-rowcount={rows.length} tabIndex={0} onKeyDown={onKey} data-list={name} data-narrow={Boolean(narrow)} aria-activedescendant={isFound ? `${prefix}${chosen}` : undefined}>
        <div style={{ minWidth: narrow ? 0 : leastOf(shown) }}>
          <div role="row" className={classes.head} style={{ gridTemplateColumns: tracks }}>
            {shown.map(({ key, title, align }) => (
              <div key={key} role="columnheader" className={classes.cell} data-align={align}>
                {title}
              </div>
            ))}
          </div>
          {rows.length === 0 ? (
            empty
          ) : (
            <div style={{ height: rows.length * rowHeight, position: 'relative' }} role="rowgroup">
              {places.current.map(({ key, index }) => {
                const row = rows[index] as Row
                return (
                  <Line
                    key={key}
                    id={`${prefix}${rowKey(row)}`}
                    row={row}
                    height={rowHeight}
                    index={index}
                    top={index * rowHeight}
                    isChosen={index === at}
                    shown={drawn}
                    tracks={tracks}
                    today={today}
                    className={props.rowClass?.(row) ?? ''}
                    canOpen={Boolean(onOpen)}
                    onClick={click}
                  />
                )
              })}
            </div>
          )}
        </div>
      </div>
      <Group justify="space-between" gap="xs" mt={4} mih={26}>
        <Group gap="xs">
          {props.foot}
          {props.isLoadingMore && <Loader size="xs" />}
          {props.stopped && <Stop {...props.stopped} />}
        </Group>
        {!narrow && <Chooser columns={props.columns} shown={shown.map(({ key }) => key)} choose={choose} />}
      </Group>
    </Box>
  )
}

/** Why a list does not go on, in one line. */
function Stop({ thrown, again }: Stopped) {
  const { t } = useTranslation()
  const { code, detail } = problemOf(thrown)
  return (
    <Group gap="xs" role="alert" wrap="nowrap">
      <IconAlertCircle size={14} color="var(--mantine-color-red-filled)" aria-hidden />
      <Text size="xs" className="said" lineClamp={2} maw={420} title={`${detail} (${code})`}>
        {t('list.stopped')} {code === 'unreachable' ? t('state.unreachable') : detail}
      </Text>
      <Button size="compact-xs" variant="default" onClick={again}>
        {t('state.retry')}
      </Button>
    </Group>
  )
}

/** As wide as all columns are at the least: rows need not be asked how wide they would be. */
const leastOf = (shown: readonly { width: string }[]) => shown.reduce((sum, { width }) => sum + Number.parseInt(width.replace('minmax(', ''), 10), 0)

const tracksOf = (shown: readonly { width: string }[]) => shown.map(({ width }) => width).join(' ')

interface LineProps<Row> {
  id: string
  row: Row
  index: number
  top: number
  height: number
  isChosen: boolean
  shown: Column<Row>[]
  tracks: string
  /** Moments of today are said without their day. */
  today: string
  className: string
  canOpen: boolean
  onClick: (row: unknown) => void
}

/** One row; drawn anew only where something of it is new. */
const Line = memo(function Line<Row>({ id, row, index, top, height, isChosen, shown, tracks, className, canOpen, onClick }: LineProps<Row>) {
  return (
    <div
      id={id}
      role="row"
      aria-rowindex={index + 1}
      aria-selected={isChosen}
      className={`${classes.row} ${className}`}
      data-open={canOpen}
      style={{ gridTemplateColumns: tracks, transform: `translateY(${top}px)`, height }}
      onClick={() => onClick(row)}
    >
      {shown.map((column) => (
        <div key={column.key} role="gridcell" className={classes.cell} data-align={column.align}>
          {column.cell(row)}
        </div>
      ))}
    </div>
  )
}) as <Row>(props: LineProps<Row>) => ReactNode

/** Rows that come above what is read do not move it; at the top they are what is read. */
function useStill<Row>(frame: React.RefObject<HTMLDivElement | null>, rows: Row[], rowKey: (row: Row) => Key, height: number) {
  const top = useRef<Key | undefined>(undefined)
  const first = rows[0] === undefined ? undefined : rowKey(rows[0])
  useLayoutEffect(() => {
    if (first === top.current) return
    const came = rows.findIndex((row) => rowKey(row) === top.current)
    if (came > 0 && frame.current && frame.current.scrollTop > 0) frame.current.scrollTop += came * height
    top.current = first
  })
}

function Chooser<Row>({ columns, shown, choose }: { columns: Column<Row>[]; shown: string[]; choose: (keys: string[]) => void }) {
  const { t } = useTranslation()
  return (
    <Menu closeOnItemClick={false} position="top-end">
      <Menu.Target>
        <UnstyledButton aria-label={t('act.columns')}>
          <Group gap={4}>
            <IconColumns size={14} aria-hidden />
            <Text size="xs">{t('act.columns')}</Text>
          </Group>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {columns.map(({ key, title }) => (
          <Menu.Item key={key} component="div" role="menuitemcheckbox" aria-checked={shown.includes(key)} onClick={() => choose(shown.includes(key) ? shown.filter((one) => one !== key) : [...shown, key])}>
            <Checkbox size="xs" label={title} checked={shown.includes(key)} readOnly tabIndex={-1} />
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}

/** The columns that are shown, in their order; what was chosen is kept in this browser. */
function useColumns<Row>(name: string, columns: Column<Row>[]): [Column<Row>[], (keys: string[]) => void] {
  const kept = `waybill.columns.${name}`
  const [keys, setKeys] = useState<string[] | null>(() => JSON.parse(localStorage.getItem(kept) ?? 'null') as string[] | null)
  const shown = useMemo(() => {
    const wanted = columns.filter(({ key, hidden }) => (keys ? keys.includes(key) : !hidden))
    return wanted.length > 0 ? wanted : columns
  }, [columns, keys])
  return [
    shown,
    (next) => {
      localStorage.setItem(kept, JSON.stringify(next))
      setKeys(next)
    },
  ]
}
