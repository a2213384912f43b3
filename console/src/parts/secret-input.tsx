/** An input of what others should not read over a shoulder. */
import { PasswordInput as Input, type PasswordInputProps } from '@mantine/core'
import { useTranslation } from 'react-i18next'

export function PasswordInput(props: PasswordInputProps) {
  const { t } = useTranslation()
  return <Input visibilityToggleButtonProps={{ 'aria-label': t('form.see') }} {...props} />
}
