/** An alert whose title can be read in both themes: the colour is its ground, its shape says what it is. */
import { Alert, type AlertProps } from '@mantine/core'
import classes from './notice.module.css'

export function Notice(props: AlertProps) {
  return <Alert {...props} classNames={{ title: classes.title, icon: classes.title }} />
}
