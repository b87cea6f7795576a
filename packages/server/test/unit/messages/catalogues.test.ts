import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { failures } from 'latchkey'
import { MessageFormat, parseMessage, validate, visit } from 'messageformat'
import { describe, expect, it } from 'vitest'
import { accountFailures } from '../../../src/accounts/failures.js'
import { factorFailures } from '../../../src/factors/failures.js'
import { httpFailures } from '../../../src/http/failures.js'
import { locales } from '../../../src/locales.js'
import { mailFailures } from '../../../src/mail/failures.js'
import { placeholdersOf } from '../../../src/messages/letter-templates.js'
import { protectionFailures } from '../../../src/protection/failures.js'
import { problems } from '../../../src/routes/problems.js'
import { sessionFailures } from '../../../src/sessions/failures.js'
import { letterNames } from '../../support/all-letters.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Returns the keys of a catalogue in their order, repeated ones included. */
function keysIn(text: string): string[] {
  return [...text.matchAll(/^ {2}"([^"]+)": "/gm)].map(([, key = '']) => key)
}

const textOf = (locale: string) => readFileSync(join(root, 'locales', `${locale}.json`), 'utf8')
const catalogueOf = (locale: string): Record<string, string> => JSON.parse(textOf(locale))
const english = catalogueOf('en')
const others = locales.filter((locale) => locale !== 'en')

const placeholders = (source: string) => [...placeholdersOf(parseMessage(source), visit)].toSorted()

/** The text of every source file, by which a message is found to be used. */
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.(ts|js)$/.test(path))
  .map((path) => readFileSync(join(root, 'src', path), 'utf8'))
  .join('\n')

/** Refusals that no page can cause: of the JSON API alone, and of administration. */
const apiOnly: readonly string[] = [
  'letter_unknown',
  'letter_sending',
  'account_unknown',
  'invitation_unknown',
  'profile_invalid',
  'profile_too_large',
  'profile_protected',
  'content_encoding_unsupported',
  'request_malformed',
  'headers_too_large',
  'parameters_malformed',
]

/** Refusals that a page can show: new codes of these domains need a message, or a line above. */
const shown = [accountFailures, factorFailures, httpFailures, mailFailures, protectionFailures, sessionFailures]
  .flatMap(({ table }) => Object.keys(table))
  .filter((code) => !apiOnly.includes(code))

/** Messages of `problem` that are the text of no code. */
const general: readonly string[] = ['title', 'general', 'not-saved']

/** Returns whether a file of the sources uses the message. */
function isUsed(key: string): boolean {
  const [group, ...rest] = key.split('.')
  const name = rest.join('.')
  if (group === 'problem' && !general.includes(name)) return name in problems || name in failures
  if (group === 'letter' && /\.(subject|body)$/.test(name)) return letterNames.includes(name.replace(/\.\w+$/, ''))
  if (group === 'notice' && sources.includes(`notice: '${name}'`)) return true
  return sources.includes(`'${key}'`)
}

describe('the catalogues', () => {
  it('are one for each language', () => {
    const files = readdirSync(join(root, 'locales')).toSorted()
    expect(files).toEqual(locales.map((locale) => `${locale}.json`).toSorted())
  })

  it.each(others)('have the keys of English in the same order: %s', (locale) => {
    expect(keysIn(textOf(locale))).toEqual(keysIn(textOf('en')))
    expect(Object.keys(catalogueOf(locale))).toEqual(Object.keys(english))
  })

  it('have no key twice', () => {
    for (const locale of locales) {
      const keys = keysIn(textOf(locale))
      expect(keys).toHaveLength(new Set(keys).size)
      expect(keys).toHaveLength(Object.keys(catalogueOf(locale)).length)
    }
  })

  it.each(locales)('have messages that compile, with the placeholders of English: %s', (locale) => {
    for (const [key, source] of Object.entries(catalogueOf(locale))) {
      expect(() => validate(parseMessage(source)), key).not.toThrow()
      expect([key, placeholders(source)]).toEqual([key, placeholders(english[key] ?? '')])
    }
  })

  it.each(locales)('format every number of every message without a fault: %s', (locale) => {
    for (const [key, source] of Object.entries(catalogueOf(locale))) {
      const message = new MessageFormat(locale, source)
      const names = placeholders(source)
      // Enough for each plural category of these languages.
      for (const number of names.length === 0 ? [0] : [0, 1, 2, 3, 8, 11, 15, 64, 100, 101]) {
        const values = Object.fromEntries(names.map((name) => [name, number]))
        const text = message.format(values, (error) => expect.fail(`${locale} ${key}: ${error}`))
        expect(text.trim()).not.toBe('')
        expect(text).toBe(text.trim())
      }
    }
  })

  it('have a message for each refusal that a page can show', () => {
    expect(shown.filter((code) => !(`problem.${code}` in english))).toEqual([])
  })

  it('have each message that the sources use', () => {
    const called = [...sources.matchAll(/\b(?:t|text|plain)\(\s*'([a-z-]+\.[^']+)'/g)].map(([, key = '']) => key)
    const notices = [...sources.matchAll(/\bnotice: '([a-z-]+)'/g)].map(([, name]) => `notice.${name}`)
    const used = [
      ...called,
      ...notices,
      ...letterNames.flatMap((name) => [`letter.${name}.subject`, `letter.${name}.body`]),
    ]
    expect(used.filter((key) => !(key in english))).toEqual([])
  })

  it('have no message that no source uses', () => {
    expect(Object.keys(english).filter((key) => !isUsed(key))).toEqual([])
  })
})
