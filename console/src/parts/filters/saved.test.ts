import { expect, test } from 'vitest'
import { isSame, kept, read, without } from './saved'

test('what cannot be read is as if it were not there', () => {
  expect([null, '{', '7', '[{"name":1,"search":{}}]', '[null]', '[{"name":"a","search":{"q":7}}]'].map(read)).toEqual(Array(6).fill([]))
  expect(read('[{"name":"a","search":{"q":"x"}}]')).toEqual([{ name: 'a', search: { q: 'x' } }])
})

test('a view of the same name gives way, and names are in order', () => {
  const views = kept(kept([], { name: 'b', search: { q: '1' } }), { name: 'a', search: { q: undefined, cause: 'overloaded' } })
  expect(views).toEqual([{ name: 'a', search: { cause: 'overloaded' } }, { name: 'b', search: { q: '1' } }])
  expect(kept(views, { name: 'b', search: {} })[1]).toEqual({ name: 'b', search: {} })
  expect(without(views, 'a').map(({ name }) => name)).toEqual(['b'])
})

test('a view is the one that is looked at in whatever order its parts are', () => {
  expect(isSame({ a: '1', b: '2' }, { b: '2', a: '1', c: undefined })).toBe(true)
  expect(isSame({ a: '1' }, {})).toBe(false)
})
