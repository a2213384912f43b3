import { expect, test } from 'vitest'
import { headersOf, parse, pieces } from './parse'

test('JSON is JSON, but a word or a number alone is text', () => {
  expect(parse(' {"a": [1]}')).toEqual({ kind: 'json', value: { a: [1] } })
  expect(['7', '"word"', 'null', '', '<html>', '{"a": '].map((text) => parse(text).kind)).toEqual(['text', 'text', 'json', 'text', 'text', 'text'])
})

test('a stream is read event by event, with whatever data it has', () => {
  expect(parse('\n\nevent: error\ndata: {"type":"error"}\n\ndata: [DONE]\n\n: comment\n\n')).toEqual({
    kind: 'events',
    value: [{ event: 'error', data: { type: 'error' } }, { data: '[DONE]' }],
  })
  expect(parse('data: a\r\ndata: b\r\n\r\n')).toEqual({ kind: 'events', value: [{ data: 'a\nb' }] })
  expect(parse('Data: none of it').kind).toBe('text')
})

test('what was taken out is seen as such, and what looks alike is not', () => {
  expect(pieces('Bearer [redacted:api_key] and [waybill: 12 earlier items left out]')).toEqual([
    { text: 'Bearer ' },
    { text: '[redacted:api_key]', mark: 'redacted' },
    { text: ' and ' },
    { text: '[waybill: 12 earlier items left out]', mark: 'leftOut' },
  ])
  expect(pieces('[waybill]')).toEqual([{ text: '[waybill]', mark: 'leftOut' }])
  expect(pieces('[redacted] [redacted:] [Redacted:x]')).toEqual([{ text: '[redacted] [redacted:] [Redacted:x]' }])
  expect(pieces('')).toEqual([])
})

test('a header that came twice stands there twice', () => {
  expect(headersOf('{"a":"1","set-cookie":["x","y"]}')).toEqual([['a', '1'], ['set-cookie', 'x'], ['set-cookie', 'y']])
  expect([headersOf('broken'), headersOf('[]'), headersOf('null')]).toEqual([[], [], []])
})
