/** JSON as a tree. What is deep is folded, what is long is cut, and both can be had whole. */
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import classes from './json.module.css'
import { Marked } from './marked'
import type { StreamEvent } from './parse'

/** What lies deeper is folded at first. */
const OPEN_DEPTH = 2
/** Characters of a string, and members of a list, that are shown at first. */
const LONG = 600
const MANY = 100

export function Tree({ value }: { value: unknown }) {
  return (
    <ul className={`${classes.tree} ${classes.top}`}>
      <Node value={value} depth={0} />
    </ul>
  )
}

/** A stream, a line for each event; one alone is open. */
export function Events({ events }: { events: StreamEvent[] }) {
  return (
    <ul className={`${classes.tree} ${classes.top}`}>
      {events.map(({ event, data }, at) => (
        <Node key={at} name={event ?? 'data'} value={data} depth={events.length > 1 ? OPEN_DEPTH : 0} />
      ))}
    </ul>
  )
}

function Node({ name, value, depth }: { name?: string; value: unknown; depth: number }) {
  return (
    <li>
      {typeof value === 'object' && value !== null ? (
        <Branch name={name} value={value} depth={depth} />
      ) : (
        <>
          <Name name={name} />
          <Leaf value={value} />
        </>
      )}
    </li>
  )
}

function Name({ name }: { name: string | undefined }) {
  if (name === undefined) return null
  return (
    <>
      <span className={classes.key}>
        <Marked text={name} />
      </span>
      {': '}
    </>
  )
}

function Branch({ name, value, depth }: { name: string | undefined; value: object; depth: number }) {
  const { t } = useTranslation('errors')
  const [isOpen, setOpen] = useState(depth < OPEN_DEPTH)
  const [isWhole, setWhole] = useState(false)
  const isList = Array.isArray(value)
  const members = Object.entries(value)
  const shown = isWhole ? members : members.slice(0, MANY)
  const [opens, closes] = isList ? ['[', ']'] : ['{', '}']
  if (members.length === 0) {
    return (
      <>
        <Name name={name} />
        {opens}
        {closes}
      </>
    )
  }
  return (
    <>
      <button type="button" className={classes.fold} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <Name name={name} />
        {isOpen ? opens : `${opens} ${t(isList ? 'body.items' : 'body.fields', { count: members.length })} ${closes}`}
      </button>
      {isOpen && (
        <>
          <ul>
            {shown.map(([key, one]) => (
              <Node key={key} name={isList ? undefined : key} value={one} depth={depth + 1} />
            ))}
            {shown.length < members.length && (
              <li>
                <button type="button" className={classes.all} onClick={() => setWhole(true)}>
                  {t('body.showAll', { count: members.length })}
                </button>
              </li>
            )}
          </ul>
          {closes}
        </>
      )}
    </>
  )
}

function Leaf({ value }: { value: unknown }) {
  const { t } = useTranslation('errors')
  const [isWhole, setWhole] = useState(false)
  if (typeof value !== 'string') return <span className={classes.plain}>{String(value)}</span>
  const isCut = !isWhole && value.length > LONG
  return (
    <>
      <span className={`${classes.string} said`}>
        "<Marked text={isCut ? value.slice(0, LONG) : value} />
        {isCut ? '…' : '"'}
      </span>
      {isCut && (
        <>
          {' '}
          <button type="button" className={classes.all} onClick={() => setWhole(true)}>
            {t('body.showAll', { count: value.length })}
          </button>
        </>
      )}
    </>
  )
}
