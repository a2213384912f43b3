import { expect, test } from 'vitest'
import { unlessNewer, unlessOthersChanged } from './meanwhile'

const seen = { id: 1, updated_at: '2027-01-15T08:00:00.000Z' }

test('what is as it was seen may be written over', async () => {
  await expect(unlessNewer(seen, async () => ({ updated_at: seen.updated_at }))).resolves.toBeUndefined()
  await expect(unlessOthersChanged(async () => [1], ([one]) => one === 1)).resolves.toEqual([1])
})

test('what somebody changed meanwhile is not written over', async () => {
  await expect(unlessNewer(seen, async () => ({ updated_at: '2027-01-15T08:00:00.001Z' }))).rejects.toMatchObject({ status: 409, code: 'outdated' })
})

test('what is gone is not made again', async () => {
  await expect(unlessNewer(seen, async () => undefined)).rejects.toMatchObject({ status: 404, code: 'not_found' })
})
