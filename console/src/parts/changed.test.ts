import { expect, test } from 'vitest'
import { changed, isUnchanged } from './changed'

test('a change that says something is sent as it is', () => {
  expect(changed({ name: null })).toEqual({ name: null })
  expect(changed({ version: 3, name: 'a' }, 'version')).toEqual({ version: 3, name: 'a' })
})

test.each([[{}, []], [{ version: 3 }, ['version']]] as [object, never[]][])('a change that says nothing is none: %j', (body, always) => {
  let thrown: unknown
  try {
    changed(body, ...always)
  } catch (error) {
    thrown = error
  }
  expect(isUnchanged(thrown)).toBe(true)
})
