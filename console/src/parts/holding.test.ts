import { expect, test, vi } from 'vitest'
import { holding } from './holding'

test('while the pointer is down nothing changes, and then the newest is shown once', () => {
  vi.useFakeTimers()
  const place = document.createElement('div')
  const shown: string[] = []
  const { show, end } = holding(place, (what: string) => shown.push(what))
  show('first')
  place.dispatchEvent(new Event('pointerdown'))
  show('second')
  show('third')
  expect(shown).toEqual(['first'])
  window.dispatchEvent(new Event('pointerup'))
  expect(shown).toEqual(['first'])
  vi.runAllTimers()
  expect(shown).toEqual(['first', 'third'])
  show('fourth')
  end()
  expect(shown).toEqual(['first', 'third', 'fourth'])
  vi.useRealTimers()
})

test('what ended shows nothing more', () => {
  vi.useFakeTimers()
  const place = document.createElement('div')
  const shown: string[] = []
  const { show, end } = holding(place, (what: string) => shown.push(what))
  place.dispatchEvent(new Event('pointerdown'))
  show('late')
  window.dispatchEvent(new Event('pointerup'))
  end()
  vi.runAllTimers()
  expect(shown).toEqual([])
  vi.useRealTimers()
})
