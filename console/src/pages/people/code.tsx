/** The six digits that an authenticator app shows; browsers and phones offer them by themselves. */
import { TextInput, type TextInputProps } from '@mantine/core'

export function CodeInput(props: TextInputProps) {
  return <TextInput required inputMode="numeric" autoComplete="one-time-code" maxLength={12} {...props} />
}
