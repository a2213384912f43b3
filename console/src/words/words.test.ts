import { expect, test } from 'vitest'
import { zh } from './zh'

/** Every text of an object of words, by its key. */
function texts(words: object, at = ''): [key: string, text: string][] {
  return Object.entries(words).flatMap(([name, value]) => {
    const key = at ? `${at}.${name}` : name
    return typeof value === 'string' ? [[key, value] as [string, string]] : texts(value as object, key)
  })
}

const SIGN = '[,:;?!()]'
const HALF = new RegExp(`[一-鿿”》」)]${SIGN}|${SIGN}[一-鿿“《「]`)

test('Chinese has its own punctuation', () => {
  expect(texts(zh).filter(([, text]) => HALF.test(text))).toEqual([])
})

test('what stands after a place in a Chinese sentence is Chinese, too', () => {
  // `05:00:00:51 次` is another moment, and `< 1,1 分钟` another number.
  const mixed = texts(zh).filter(([, text]) => /[一-鿿]/.test(text) && new RegExp(`\\}\\}${SIGN}|${SIGN}\\{\\{`).test(text))
  expect(mixed).toEqual([])
})
