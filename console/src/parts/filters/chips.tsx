/** The filters that are set: each says what it is, can be changed, and taken away. */
import { IconX } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import classes from './filters.module.css'
import { isNamed, useNames } from './names'
import type { Filter } from './table'
import { useGateway } from '../../words/gateway'

interface Props {
  filter: Filter
  value: string
  label: string
  onEdit: () => void
  onRemove: () => void
}

export function Chip({ filter, value, label, onEdit, onRemove }: Props) {
  const { t } = useTranslation('errors')
  const said = useSaid(filter, value)
  return (
    <span className={classes.chip} role="group" aria-label={label}>
      <button type="button" className={classes.text} title={`${filter.name}=${value}`} onClick={onEdit} aria-description={t('filters.change')}>
        <span className={classes.name}>{label}</span>{' '}
        <strong>{said}</strong>
      </button>
      <button type="button" className={classes.away} onClick={onRemove} aria-label={t('filters.remove', { label })}>
        <IconX size={12} aria-hidden />
      </button>
    </span>
  )
}

/** A value as people say it; the API's own words stand as they are. */
function useSaid({ kind, name }: Filter, value: string): string {
  const { t } = useTranslation()
  const { filtered } = useGateway()
  const { nameOf } = useNames(isNamed(kind) ? kind : undefined)
  if (isNamed(kind)) return nameOf(value)
  if (kind === 'yesNo') return t(value === 'true' ? 'yes' : 'no')
  return filtered(name, value)
}
