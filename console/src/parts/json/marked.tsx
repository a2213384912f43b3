/** Text in which the gateway's marks are seen as such. */
import { useTranslation } from 'react-i18next'
import classes from './json.module.css'
import { pieces } from './parse'

export function Marked({ text }: { text: string }) {
  const { t } = useTranslation('errors')
  return pieces(text).map(({ text, mark }, at) =>
    mark ? (
      <span key={at} className={classes.mark} title={t(`body.${mark}`)}>
        {text}
      </span>
    ) : (
      text
    ),
  )
}
