import { expect, test } from 'vitest'
import { onward } from './onward'

const HOME = 'https://gateway.test/some/where/console/'

test('a page keeps its place under the console, its query and its fragment', () => {
  expect(onward('/errors?cause=overloaded&q=a%2Fb#7', HOME)).toBe('/some/where/console/errors?cause=overloaded&q=a%2Fb#7')
  expect(onward('/', HOME)).toBe('/some/where/console/')
  expect(onward('/errors/req:1', HOME)).toBe('/some/where/console/errors/req:1')
})

test('whatever else the address says leads to the overview', () => {
  const others = [undefined, '', 'errors', '//evil.test', '///evil.test', '/\\evil.test', '/\\\\evil.test', '/https://evil.test/', '/javascript:alert(1)', '/../api/v1/admin/me', '/..//evil.test', '/%2e%2e/api', '/http://[', 'https://evil.test/']
  expect(others.map((to) => onward(to, HOME))).toEqual(others.map(() => '/some/where/console/'))
})

test('nobody is led back to where one signs in', () => {
  expect(['/sign-in', '/sign-in?to=%2Ferrors', '/setup/'].map((to) => onward(to, HOME))).toEqual(Array(3).fill('/some/where/console/'))
})
