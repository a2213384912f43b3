import { act, renderHook } from '@testing-library/react'
import { expect, test } from 'vitest'
import { useBase } from './base'

const of = (newest: string) => renderHook(({ newest }) => useBase(newest, String), { initialProps: { newest } })

test('where nothing was changed the newest is edited', () => {
  const base = of('one')
  base.rerender({ newest: 'two' })
  expect(base.result.current).toMatchObject({ value: 'two', isOutdated: false })
})

test('what was changed is kept, and said to be outdated, until somebody lets go of it', () => {
  const base = of('one')
  act(() => base.result.current.setDirty(true))
  base.rerender({ newest: 'two' })
  expect(base.result.current).toMatchObject({ value: 'one', isOutdated: true })
  act(() => base.result.current.takeUp())
  expect(base.result.current).toMatchObject({ value: 'two', isOutdated: false, isDirty: false })
})

test('what was saved gives way to what the API made of it', () => {
  const base = of('one')
  act(() => base.result.current.setDirty(true))
  act(() => base.result.current.setDirty(false))
  base.rerender({ newest: 'mine' })
  expect(base.result.current).toMatchObject({ value: 'mine', isOutdated: false })
})
