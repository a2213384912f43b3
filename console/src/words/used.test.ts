import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { en } from './en'

const SRC = path.join(import.meta.dirname, '..')
const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name) && !/\.test\.tsx?$|\.d\.ts$|^words[\\/](en|zh)[\\/]/.test(name))
  .map((name) => readFileSync(path.join(SRC, name), 'utf8'))
  .join('\n')

/** What stands before the first place of a template: `state.` of `state.${…}`. */
const begun = [...new Set([...sources.matchAll(/`((?:\w+:)?(?:\w+\.)+)\$\{/g)].map(([, text]) => text ?? ''))]

function keys(words: object, at: string): string[] {
  return Object.entries(words).flatMap(([name, value]) => (typeof value === 'string' ? [`${at}${name}`] : keys(value as object, `${at}${name}.`)))
}

function isUsed(namespace: string, key: string): boolean {
  const spellings = [key, key.replace(/_(one|other)$/, '')].flatMap((name) => [name, `${namespace}:${name}`])
  return spellings.some((name) => sources.includes(`'${name}'`) || begun.some((start) => name.startsWith(start)))
}

test('every word is said somewhere', () => {
  const unused = Object.entries(en).flatMap(([namespace, words]) => keys(words, '').filter((key) => !isUsed(namespace, key)).map((key) => `${namespace}:${key}`))
  expect(unused).toEqual([])
})
