import { expect, test } from 'vitest'
import { shades } from './shades'

test('a shade lies between the two colours of its share', () => {
  const shade = shades(['#000000', '#646464', '#ffffff'])
  expect([0, 0.25, 0.5, 1, 7].map(shade)).toEqual(['rgb(0, 0, 0)', 'rgb(50, 50, 50)', 'rgb(100, 100, 100)', 'rgb(255, 255, 255)', 'rgb(255, 255, 255)'])
})
