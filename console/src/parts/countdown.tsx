/** How long it is until something ends, to the second. */
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { span } from './number'
import { local } from './when'

/** Whole seconds and more: `12 s`, `4 min 3 s`; nothing where it is over. */
export function left(ms: number): string | undefined {
  if (ms <= 0) return undefined
  return span(Math.ceil(ms / 1_000))
}

export function Countdown({ until }: { until: string }) {
  const { t, i18n } = useTranslation()
  const end = Date.parse(until)
  const [now, setNow] = useState(Date.now)
  const far = end - now > 3_600_000
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), far ? 20_000 : 1_000)
    return () => clearInterval(timer)
  }, [far])
  const rest = left(end - now)
  return (
    <time dateTime={until} title={`${until}\n${local(end, i18n.language)}`}>
      {rest ? t('time.left', { rest }) : t('time.over')}
    </time>
  )
}
