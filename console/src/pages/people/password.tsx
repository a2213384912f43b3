/** A new password, twice; its rules are said before it is refused. */
import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { PasswordInput } from '../../parts/secret-input'

export const SHORTEST = 12

/** As the gateway counts: characters, not bytes or surrogates. */
export function tooShort(password: string): boolean {
  return [...password].length < SHORTEST
}

interface Mistakes {
  short: string
  different: string
}

/** What is wrong with a password that was typed twice; nothing where it need not be given and was not. */
export function passwordMistakes({ password, again }: { password: string; again: string }, said: Mistakes, isOptional = false): { password?: string; again?: string } {
  if (isOptional && password === '' && again === '') return {}
  return { ...(tooShort(password) ? { password: said.short } : {}), ...(again === password ? {} : { again: said.different }) }
}

interface Props {
  form: { values: { password: string }; getInputProps: (path: string) => object }
  label: string
  isOptional?: boolean
}

export function NewPassword({ form, label, isOptional = false }: Props) {
  const { t } = useTranslation('people')
  const length = [...form.values.password].length
  return (
    <>
      <PasswordInput label={label} description={t('password.rule', { count: SHORTEST })} required={!isOptional} autoComplete="new-password" {...form.getInputProps('password')} />
      <PasswordInput label={t('password.again')} required={!isOptional} autoComplete="new-password" {...form.getInputProps('again')} />
      <Text size="xs" aria-live="polite" mih="1.5em">
        {length > 0 && length < SHORTEST ? t('password.missing', { count: SHORTEST - length }) : ''}
      </Text>
    </>
  )
}
