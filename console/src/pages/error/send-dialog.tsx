/** Sending again from a list: the failure is read first. */
import { Stack, Text } from '@mantine/core'
import { Loaded } from '../../parts/states'
import { SendAgain } from './send-again'
import { useError } from './use-error'

export function SendAgainDialog({ id }: { id: string }) {
  return (
    <Loaded query={useError(id)} rows={5}>
      {(error) => (
        <Stack gap="sm">
          <Text size="sm" className="said" lineClamp={4}>
            {error.message}
          </Text>
          <SendAgain error={error} />
        </Stack>
      )}
    </Loaded>
  )
}
