import { encode } from 'uqr'
import { expect, test } from 'vitest'
import { outline } from './qr'

test('each dark module is a square where it is', () => {
  expect(outline([[false, true], [true, false]])).toBe('M1 0h1v1h-1zM0 1h1v1h-1z')
})

test('a code has its three finders and light around it', () => {
  const { size, data } = encode('otpauth://totp/Waybill:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Waybill', { ecc: 'M', border: 4 })
  expect(data.slice(0, 4).flat().some(Boolean)).toBe(false)
  for (const [x, y] of [[4, 4], [size - 11, 4], [4, size - 11]] as const) {
    expect(data[y]?.slice(x, x + 7).every(Boolean)).toBe(true)
    expect(data[y + 1]?.slice(x, x + 7)).toEqual([true, false, false, false, false, false, true])
  }
})
