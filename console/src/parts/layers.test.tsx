import { renderHook } from '@testing-library/react'
import { expect, test } from 'vitest'
import { useTopmost } from './layers'

test('of what lies over the page only what was opened last is the topmost', () => {
  const layers = renderHook(({ question }: { question: boolean }) => [useTopmost(true), useTopmost(question)], { initialProps: { question: false } })
  expect(layers.result.current).toEqual([true, false])
  layers.rerender({ question: true })
  expect(layers.result.current).toEqual([false, true])
  layers.rerender({ question: false })
  expect(layers.result.current).toEqual([true, false])
  layers.unmount()
})
