import { MantineProvider } from '@mantine/core'
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react'
import { afterEach, expect, test, vi } from 'vitest'
import { Turn } from './turn'

vi.stubGlobal('matchMedia', () => ({ matches: false, addEventListener() {}, removeEventListener() {} }))

afterEach(cleanup)

/** A switch whose API answers when it is told to. */
function turned() {
  const asked: { isOn: boolean; answer: (error?: Error) => Promise<void> }[] = []
  const again = vi.fn(async () => undefined)
  const turn = (isOn: boolean) =>
    new Promise<void>((done, failed) => {
      asked.push({ isOn, answer: (error) => act(async () => (error ? failed(error) : done())) })
    })
  render(<Turn isOn={false} mayTurn label="it" turn={turn} again={again} />, { wrapper: ({ children }) => <MantineProvider>{children}</MantineProvider> })
  const control = screen.getByRole<HTMLInputElement>('switch')
  return { asked, again, control }
}

test('it is turned at once, and back where the API refuses', async () => {
  const { asked, again, control } = turned()
  fireEvent.click(control)
  expect(control.checked).toBe(true)
  await asked[0]?.answer(new Error('no'))
  expect(control.checked).toBe(false)
  expect(again).toHaveBeenCalledOnce()
})

test('whoever turns it again meanwhile is served after that', async () => {
  const { asked, control } = turned()
  fireEvent.click(control)
  fireEvent.click(control)
  expect(control.checked).toBe(false)
  expect(asked.map(({ isOn }) => isOn)).toEqual([true])
  await asked[0]?.answer()
  expect(asked.map(({ isOn }) => isOn)).toEqual([true, false])
  await asked[1]?.answer()
  expect(control.getAttribute('aria-busy')).toBe('false')
})
