import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { blocksLeftOut, Page } from '../../../../../test/support/page.js'
import { readConfiguration } from '../../../src/config/configuration.js'
import { locales } from '../../../src/locales.js'
import { composeEmail } from '../../../src/mail/compose-email.js'
import type { Email } from '../../../src/mail/email.js'
import { openMessages } from '../../../src/messages/open-messages.js'

const linkBase = 'https://shop.example'
const reset: Email = {
  kind: 'reset_password',
  to: 'ada@example.com',
  account: 'a1',
  link: { token: 'T'.repeat(43), expiresAt: 1_700_000_000_000 },
}

/** Returns a letter whose text depends on a value. */
const variants = (first: string, last: string) => `.input {$site :string}\n.match $site\na {{${first}}}\n* {{${last}}}`

describe('the letters of an operator', () => {
  let folder = ''

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-letters-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const write = (file: string, content: unknown) =>
    writeFileSync(join(folder, file), typeof content === 'string' ? content : JSON.stringify(content))
  const open = () => openMessages({ languages: { locale: 'en', offered: locales, letters: folder }, production: true })
  const refusalOf = (file: string, content: unknown) => {
    write(file, content)
    return open().then(
      () => 'accepted',
      ({ code, message }: { code: string; message: string }) => `${code}: ${message.replaceAll(folder, '')}`,
    )
  }

  it('replace those of the server, in their language alone', async () => {
    write('de.json', {
      'letter.reset_password.subject': 'Neues Passwort für {$site}',
      'letter.reset_password.body': 'Guten Tag <Sie>,\n\nhier ist der Link:\n\n{$link}\n\nIhr Team & Co.',
    })
    write('README.txt', 'ignored')
    const messages = await open()
    const german = composeEmail(reset, linkBase, await messages.for('de'))
    expect(german.subject).toBe('Neues Passwort für shop.example')
    const url = `https://shop.example/reset-password#token=${'T'.repeat(43)}`
    expect(german.text).toBe(`Guten Tag <Sie>,\n\nhier ist der Link:\n\n${url}\n\nIhr Team & Co.\n`)
    expect(german.html).toContain('<p>Guten Tag &lt;Sie&gt;,</p>')
    expect(german.html).toContain(`<p dir="ltr"><a href="${url}">${url}</a></p>`)
    expect(composeEmail(reset, linkBase, await messages.for('en')).subject).toBe('Reset your password')
    const other: Email = { kind: 'password_changed', to: 'ada@example.com', account: 'a1' }
    expect(composeEmail(other, linkBase, await messages.for('de')).subject).toBe('Ihr Passwort wurde geändert')
  })

  it.each([
    ['without its link', { 'letter.reset_password.body': 'Hello' }, 'lacks the link'],
    ['without its code', { 'letter.sign_in_code.body': 'Hello' }, 'lacks the code'],
    ['with the code in the subject', { 'letter.sign_in_code.subject': '{$code}' }, 'no value for {$code}'],
    ['with the link inside of a sentence', { 'letter.reset_password.body': 'Open {$link} now' }, 'lacks the link'],
    ['with the link twice', { 'letter.reset_password.body': '{$link}\n\n{$link}' }, 'lacks the link'],
    [
      'with the link in the first variant alone',
      { 'letter.reset_password.body': variants('{$link}', 'x') },
      'lacks the link',
    ],
    [
      'with the link in the last variant alone',
      { 'letter.reset_password.body': variants('x', '{$link}') },
      'lacks the link',
    ],
    [
      'with a hidden placeholder',
      { 'letter.password_changed.body': '.local $x = {$email :string}\n{{{$x}}}' },
      'no value for {$email}',
    ],
    [
      'of an unknown kind',
      { 'letter.birthday.subject': 'Congratulations' },
      'there is no letter letter.birthday.subject',
    ],
    ['of a page', { 'sign-in.title': 'Hello' }, 'there is no letter sign-in.title'],
    ['with the link in the subject', { 'letter.reset_password.subject': '{$link}' }, 'no value for {$link}'],
    ['with a syntax error', { 'letter.password_changed.body': 'Dear {name' }, 'is not a message of MessageFormat 2'],
    ['with a link that a function formats', { 'letter.reset_password.body': '{$link :string}' }, 'lacks the link'],
    ['with a wrong function', { 'letter.password_changed.body': '{$site :integer}' }, 'cannot be formatted'],
    ['that are no texts', { 'letter.password_changed.body': 5 }, 'is not one JSON object of texts'],
    ['that are no object', ['letter'], 'is not one JSON object of texts'],
    ['that are no JSON', '{', 'is not one JSON object of texts'],
  ])('are refused at the start: %s', async (_, content, fault) => {
    const refusal = await refusalOf('en.json', content)
    expect(refusal).toContain('letters_invalid: ')
    expect(refusal).toContain(fault)
  })

  it('are refused for an unknown language, and in a folder that does not exist', async () => {
    expect(await refusalOf('de-AT.json', {})).toContain('/de-AT.json is not named for a language.')
    rmSync(folder, { recursive: true })
    await expect(open()).rejects.toMatchObject({ code: 'letters_invalid' })
  })

  it('without a subject in one line still have a clean one', async () => {
    write('en.json', { 'letter.reset_password.subject': 'New\r\nBcc: eve@evil.example\u202e' })
    const { subject } = composeEmail(reset, linkBase, await (await open()).for('en'))
    expect(subject).toBe('New Bcc: eve@evil.example')
  })
})

describe('docs/guides/languages.md', () => {
  it('shows settings and a letter that the server accepts', async () => {
    const page = Page.at('docs/guides/languages.md')
    const [settings = ''] = page.take('sh')
    const env = Object.fromEntries(
      settings
        .trim()
        .split('\n')
        .map((line) => line.split('=')),
    )
    const { languages } = readConfiguration(env)
    expect([languages.locale, languages.offered]).toEqual(['de', ['en', 'de', 'fr', 'it']])
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-letters-'))
    try {
      const [letters = ''] = page.take('json')
      writeFileSync(join(folder, 'en.json'), letters)
      const messages = await openMessages({ languages: { ...languages, letters: folder }, production: true })
      const { subject, text } = composeEmail(reset, linkBase, await messages.for('en'))
      expect(subject).toBe('A new password for shop.example')
      expect(text).toContain('The link works until November 14, 2023')
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
    expect(blocksLeftOut('docs/guides/languages.md')).toEqual([])
  })
})
