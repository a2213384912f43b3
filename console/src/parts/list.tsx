/**
 * A dense list of any length. Only the rows in sight are in the page; the next page is had when its end comes near.
 * Keys: `j` `k` or arrows move, `enter` opens.
 */
import { Box, Checkbox, Group, Loader, Menu, Text, UnstyledButton } from '@mantine/core'
import { IconColumns } from '@tabler/icons-react'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useCallback, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import classes from './list.module.css'

export interface Column<Row> {
  key: string
  title: string
  /** A CSS grid track: `90px`, `minmax(200px, 2fr)`. */
  width: string
  cell: (row: Row) => ReactNode
  align?: 'right'
  /** Not shown until somebody asks for it. */
  hidden?: boolean
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
  more?: () => void
  isLoadingMore?: boolean
  empty?: ReactNode
  height?: string
  /** Stands left of the choice of columns. */
  foot?: ReactNode
}

const ROW = 34

export function List<Row>(props: Props<Row>) {
  const { name, label, rows, rowKey, onOpen, more, empty, height = 'calc(100dvh - 260px)' } = props
  const [shown, choose] = useColumns(name, props.columns)
  const [at, setAt] = useState(-1)
  const frame = useRef<HTMLDivElement>(null)
  const rowsInView = useVirtualizer({ count: rows.length, getScrollElement: () => frame.current, estimateSize: () => ROW, overscan: 12, getItemKey: (index) => rowKey(rows[index] as Row) })
  const items = rowsInView.getVirtualItems()
  const last = items.at(-1)?.index ?? -1
  useEffect(() => {
    if (more && last >= rows.length - 20 && rows.length > 0) more()
  }, [last, more, rows.length])

  const move = useCallback(
    (to: number) => {
      const next = Math.max(0, Math.min(rows.length - 1, to))
      setAt(next)
      rowsInView.scrollToIndex(next)
    },
    [rows.length, rowsInView],
  )
  const onKeyDown = (event: React.KeyboardEvent) => {
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1, PageDown: 15, PageUp: -15 }[event.key]
    if (step !== undefined) move(at + step)
    else if (event.key === 'Home') move(0)
    else if (event.key === 'End') move(rows.length - 1)
    else if (event.key === 'Enter' && rows[at]) onOpen?.(rows[at])
    else return
    event.preventDefault()
  }
  const tracks = shown.map(({ width }) => width).join(' ')
  return (
    <Box>
      <div ref={frame} className={classes.frame} style={{ height }} role="grid" aria-label={label} aria-rowcount={rows.length} tabIndex={0} onKeyDown={onKeyDown} data-list={name}>
        <div className={classes.inner}>
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
            <div style={{ height: rowsInView.getTotalSize(), position: 'relative' }} role="rowgroup">
              {items.map(({ index, key, start }) => {
                const row = rows[index] as Row
                return (
                  <div
                    key={key}
                    role="row"
                    aria-rowindex={index + 1}
                    aria-selected={index === at}
                    className={`${classes.row} ${props.rowClass?.(row) ?? ''}`}
                    data-open={Boolean(onOpen)}
                    style={{ gridTemplateColumns: tracks, transform: `translateY(${start}px)`, height: ROW }}
                    onClick={() => {
                      setAt(index)
                      // Text that was marked to be copied is not a click.
                      if (!getSelection()?.toString()) onOpen?.(row)
                    }}
                  >
                    {shown.map((column) => (
                      <div key={column.key} role="gridcell" className={classes.cell} data-align={column.align}>
                        {column.cell(row)}
                      </div>
                    ))}
                  </div>
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
        </Group>
        <Chooser columns={props.columns} shown={shown.map(({ key }) => key)} choose={choose} />
      </Group>
    </Box>
  )
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
  const shown = columns.filter(({ key, hidden }) => (keys ? keys.includes(key) : !hidden))
  return [
    shown.length > 0 ? shown : columns,
    (next) => {
      localStorage.setItem(kept, JSON.stringify(next))
      setKeys(next)
    },
  ]
}
