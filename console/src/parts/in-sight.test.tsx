import { act, renderHook } from '@testing-library/react'
import { expect, test, vi } from 'vitest'
import { spanIn, topFor, useInSight } from './in-sight'

const LIST = { count: 100_000, row: 34, head: 30 }

test('the rows in sight are drawn, with a few beside them, and none that there are not', () => {
  expect(spanIn(0, 370, LIST)).toEqual({ from: 0, to: 14 })
  expect(spanIn(34 * 1_000, 370, LIST)).toEqual({ from: 996, to: 1_014 })
  expect(spanIn(34 * 1_000 + 1, 370, LIST)).toEqual({ from: 996, to: 1_015 })
  expect(spanIn(34 * 100_000, 370, LIST)).toEqual({ from: 99_996, to: 100_000 })
  expect(spanIn(0, 370, { ...LIST, count: 3 })).toEqual({ from: 0, to: 3 })
  // What was read before the list became shorter.
  expect(spanIn(34 * 50, 370, { ...LIST, count: 3 })).toEqual({ from: 3, to: 3 })
})

test('a row is brought into sight by as little as is needed', () => {
  const height = 30 + 34 * 10
  expect(topFor(5, 0, height, LIST)).toBe(0)
  expect(topFor(10, 0, height, LIST)).toBe(34)
  expect(topFor(20, 34 * 40, height, LIST)).toBe(34 * 20)
  expect(topFor(0, 34 * 40, height, LIST)).toBe(0)
  expect(topFor(100, 0, height, LIST, true)).toBe(34 * 100 - (34 * 9) / 2)
  expect(topFor(1, 500, height, LIST, true)).toBe(0)
})

vi.stubGlobal(
  'ResizeObserver',
  class {
    observe() {}
    disconnect() {}
  },
)

/** A list of ten rows' height. */
function seen(count: number) {
  const list = document.createElement('div')
  Object.defineProperty(list, 'clientHeight', { value: 30 + 34 * 10 })
  const frame = { current: list }
  const hook = renderHook(({ count }) => useInSight(frame, { ...LIST, count }), { initialProps: { count } })
  const scroll = (top: number) => {
    list.scrollTop = top
    list.dispatchEvent(new Event('scroll'))
  }
  return { ...hook, scroll }
}

test('scrolling ends when it is quiet, also where rows came meanwhile', () => {
  vi.useFakeTimers()
  const { result, rerender, scroll } = seen(200)
  expect(result.current).toMatchObject({ from: 0, to: 14, isScrolling: false })
  scroll(340)
  expect(result.current).toMatchObject({ from: 6, to: 24, isScrolling: true })
  rerender({ count: 400 })
  act(() => vi.advanceTimersByTime(1_000))
  expect(result.current).toMatchObject({ from: 6, to: 24, isScrolling: false })
  vi.useRealTimers()
})

test('one leap is looked at, and what is thrown flies by until it is caught', () => {
  vi.useFakeTimers()
  const { result, scroll } = seen(10_000)
  scroll(5_000)
  expect(result.current.isFlying).toBe(false)
  scroll(10_000)
  expect(result.current.isFlying).toBe(true)
  scroll(10_100)
  expect(result.current.isFlying).toBe(false)
  scroll(20_000)
  act(() => vi.advanceTimersByTime(1_000))
  expect(result.current.isFlying).toBe(false)
  vi.useRealTimers()
})

test('a list that becomes shorter shows no row that there is not', () => {
  const { result, rerender, scroll } = seen(1_000)
  scroll(34 * 500)
  rerender({ count: 2 })
  expect(result.current.to).toBeLessThanOrEqual(2)
})
