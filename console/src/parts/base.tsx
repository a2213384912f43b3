/** What a form was begun with, while others may change the same: theirs takes its place where nothing would be lost by that. */
import { Alert, Button, Group } from '@mantine/core'
import { useCallback, useState } from 'react'
import { useTranslation } from 'react-i18next'

export interface Base<T> {
  /** What is edited. */
  value: T
  /** Another one is another form. */
  key: string
  /** Something newer is there, and was not taken up because of what was changed here. */
  isOutdated: boolean
  isDirty: boolean
  setDirty: (isDirty: boolean) => void
  /** Lets go of what was changed here. */
  takeUp: () => void
}

export function useBase<T>(newest: T, keyOf: (value: T) => string): Base<T> {
  const [value, setValue] = useState(newest)
  const [isDirty, setDirty] = useState(false)
  const key = keyOf(value)
  const isNewer = key !== keyOf(newest)
  if (isNewer && !isDirty) setValue(newest)
  const takeUp = useCallback(() => {
    setDirty(false)
    setValue(newest)
  }, [newest])
  return { value, key, isOutdated: isNewer && isDirty, isDirty, setDirty, takeUp }
}

/** Says that somebody else changed what is edited here. */
export function Theirs({ base: { isOutdated, takeUp } }: { base: Pick<Base<unknown>, 'isOutdated' | 'takeUp'> }) {
  const { t } = useTranslation()
  if (!isOutdated) return null
  return (
    <Alert color="yellow" role="alert" p="xs">
      <Group gap="xs">
        {t('form.theirs')}
        <Button size="compact-xs" variant="default" onClick={takeUp}>
          {t('form.takeTheirs')}
        </Button>
      </Group>
    </Alert>
  )
}
