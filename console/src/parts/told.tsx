/** What is told after something was done: that it is, or why not. */
import { notifications } from '@mantine/notifications'
import i18next from 'i18next'
import { problemOf } from '../api/problem'

/** The button that takes a notice away says so to those who do not see its cross. */
const closes = () => ({ 'aria-label': i18next.t('act.close') })

export function tellDone(message: string = i18next.t('act.done')): void {
  notifications.show({ message, color: 'teal', autoClose: 3_000, closeButtonProps: closes() })
}

/** That there was nothing to be done. */
export function tellUnchanged(): void {
  notifications.show({ message: i18next.t('form.unchanged'), color: 'gray', autoClose: 5_000 })
}

export function tellProblem(thrown: unknown): void {
  const { code, detail, field, parameter } = problemOf(thrown)
  const at = field ?? parameter
  notifications.show({ title: at ? `${code}: ${at}` : code, message: detail, color: 'red', autoClose: 10_000, closeButtonProps: closes() })
}
