/** A row of a list on a phone: what matters most, and beneath it what tells it from others. */
import type { ReactNode } from 'react'
import classes from './list.module.css'

export function TwoLines({ first, second }: { first: ReactNode; second: ReactNode }) {
  return (
    <>
      <div className={classes.line}>{first}</div>
      <div className={classes.line}>{second}</div>
    </>
  )
}

/** A piece of a line that gives way where there is not room for all. */
export function Rest({ children, title }: { children: ReactNode; title?: string | undefined }) {
  return (
    <span className={classes.rest} title={title}>
      {children}
    </span>
  )
}
