/** Marks for rows of long lists: a shape and a word, as light as text. What they say comes with them: they listen to nothing. */
import type { TFunction } from 'i18next'
import type { Of } from '../api/client'
import classes from './marks.module.css'

export function Owner({ owner, t }: { owner: Of<'Owner'>; t: TFunction<'common'> }) {
  return (
    <span className={classes.mark} data-is={owner}>
      {t(`owner.${owner}`)}
    </span>
  )
}

export function Severity({ severity, t }: { severity: Of<'Severity'>; t: TFunction<'common'> }) {
  return (
    <span className={classes.mark} data-is={severity} title={t(`severity.${severity}`)}>
      {severity}
    </span>
  )
}
