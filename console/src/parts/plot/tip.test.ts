import { expect, test } from 'vitest'
import { tipIn } from './tip'

test('what a provider said stays text', () => {
  const place = document.createElement('div')
  const tip = tipIn(place)
  tip.show({ title: '<b>when</b>', rows: [{ name: '<script>alert(1)</script>', value: '3', isNear: false, color: '#123456' }] }, 4, [], 4, 4)
  expect(place.querySelector('script, b')).toBeNull()
  expect(place.textContent).toContain('<script>alert(1)</script>')
  tip.hide()
  expect([...place.children].every((one) => (one as HTMLElement).hidden)).toBe(true)
})

test('there are as many dots as lines have a value there', () => {
  const place = document.createElement('div')
  const tip = tipIn(place)
  const shown = () => [...place.querySelectorAll<HTMLElement>('div')].filter((one) => !one.hidden && one.style.background).length
  tip.show({ title: '', rows: [] }, 4, [{ top: 1, color: 'red' }, { top: 2, color: 'blue' }], 4, 4)
  expect(shown()).toBe(2)
  tip.show({ title: '', rows: [] }, 4, [{ top: 1, color: 'red' }], 4, 4)
  expect(shown()).toBe(1)
})
