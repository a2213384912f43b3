import { expect, test, vi } from 'vitest'
import { pointer } from './pointer'

function heard(canBrush = true) {
  const place = document.createElement('div')
  place.getBoundingClientRect = () => new DOMRect(100, 0, 200, 50)
  place.setPointerCapture = vi.fn()
  document.body.append(place)
  const told = { onOver: vi.fn(), onAway: vi.fn(), onGrow: vi.fn(), onGiveUp: vi.fn(), onBrushed: vi.fn(), onChosen: vi.fn() }
  const end = pointer(place, canBrush, told)
  const act = (type: string, x = 0) => place.dispatchEvent(Object.assign(new MouseEvent(type, { clientX: x, clientY: 10, bubbles: true }), { isPrimary: true, pointerId: 1, pointerType: 'mouse' }))
  return { place, told, act, end }
}

test('what is dragged over is brushed, also from right to left and beyond the end', () => {
  const { told, act } = heard()
  act('pointerdown', 180)
  act('pointermove', 120)
  expect(told.onGrow).toHaveBeenLastCalledWith(20, 80)
  act('pointermove', 50)
  act('pointerup', 50)
  expect(told.onBrushed).toHaveBeenCalledExactlyOnceWith(0, 80)
  expect(told.onChosen).not.toHaveBeenCalled()
})

test('what hardly moves is a click', () => {
  const { told, act } = heard()
  act('pointerdown', 150)
  act('pointermove', 152)
  act('pointerup', 152)
  expect(told.onChosen).toHaveBeenCalledExactlyOnceWith(52, 10)
  expect(told.onBrushed).not.toHaveBeenCalled()
})

test('a brush is given up by Escape, or when the page scrolls instead', () => {
  for (const giveUp of [() => window.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' })), (act: (type: string) => void) => act('pointercancel')]) {
    const { told, act, end } = heard()
    act('pointerdown', 120)
    act('pointermove', 180)
    giveUp(act)
    act('pointerup', 180)
    expect(told.onGiveUp).toHaveBeenCalled()
    expect(told.onBrushed).not.toHaveBeenCalled()
    end()
  }
})

test('where nothing can be brushed a drag only looks', () => {
  const { told, act } = heard(false)
  act('pointerdown', 120)
  act('pointermove', 180)
  expect(told.onGrow).not.toHaveBeenCalled()
  expect(told.onOver).toHaveBeenLastCalledWith(80, 10)
})

test('a press that leaves is heard of until it is let go, and chooses nothing then', () => {
  for (const canBrush of [true, false]) {
    const { place, told, act } = heard(canBrush)
    act('pointerdown', 299)
    expect(place.setPointerCapture).toHaveBeenCalledExactlyOnceWith(1)
    act('pointerup', 301)
    act('pointerup', 200)
    expect(told.onChosen).not.toHaveBeenCalled()
    expect(told.onBrushed).not.toHaveBeenCalled()
  }
})
