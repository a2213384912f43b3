/** An input of what others should not read over a shoulder. */
import { PasswordInput as Input, type PasswordInputProps } from '@mantine/core'
import { useTranslation } from 'react-i18next'

export function PasswordInput(props: PasswordInputProps) {
  const { t } = useTranslation()
  // That it is at fault is said to those who do not see it, too.
  return <Input visibilityToggleButtonProps={{ 'aria-label': t('form.see') }} aria-invalid={props.error ? true : undefined} {...props} />
}
