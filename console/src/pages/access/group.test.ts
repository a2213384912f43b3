import { expect, test } from 'vitest'
import { formBody, patchBody, valuesOf } from './group'

test('protocols that were emptied are again those of the platform', () => {
  const before = { ...valuesOf(undefined), name: 'g', platform: 'antigravity' as const, protocols: ['anthropic' as const] }
  expect(patchBody(before, { ...before, protocols: [] })).toEqual({ protocols: ['anthropic', 'gemini'] })
  expect(patchBody(before, before)).toEqual({})
})

test('a new group leaves to the API whose clients it serves', () => {
  expect(formBody({ ...valuesOf(undefined), name: ' g ' })).toMatchObject({ name: 'g', platform: 'anthropic' })
  expect(formBody(valuesOf(undefined))).not.toHaveProperty('protocols')
})
