/** Failures per hour as small bars, the current hour last. */
import { useTranslation } from 'react-i18next'
import { count } from '../../parts/number'
import classes from './overview.module.css'

const WIDTH = 96
const HEIGHT = 24

export function Spark({ hourly }: { hourly: number[] }) {
  const { t, i18n } = useTranslation('overview')
  const most = Math.max(1, ...hourly)
  const step = WIDTH / Math.max(1, hourly.length)
  const label = t('issues.hourly', { now: count(hourly.at(-1) ?? 0, i18n.language), most: count(Math.max(0, ...hourly), i18n.language) })
  return (
    <svg className={classes.spark} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
      <title>{label}</title>
      {hourly.map((value, at) => {
        const height = value === 0 ? 1 : Math.max(2, (value / most) * HEIGHT)
        return <rect key={at} x={at * step} y={HEIGHT - height} width={Math.max(1, step - 1)} height={height} opacity={value === 0 ? 0.3 : 1} />
      })}
    </svg>
  )
}
