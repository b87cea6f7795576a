import { MessageFormat } from 'messageformat'
import { describe, expect, it, vi } from 'vitest'
import { type Locale, locales } from '../../../src/locales.js'
import { LocaleMessages } from '../../../src/messages/locale-messages.js'
import { Messages } from '../../../src/messages/messages.js'
import { messagesIn, strictMessages } from '../../support/messages.js'

const isolates = /[\u2066-\u2069]/
const controls = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u

/** Returns messages with these texts, and the faults that were reported. */
function messagesOf(locale: Locale, own: Record<string, string>, fallback: Record<string, string> = {}) {
  const onFault = vi.fn()
  const parts = { format: MessageFormat, onFault }
  const catalogue = new Map(Object.entries(own))
  const english = new Map(Object.entries(fallback))
  return { messages: new LocaleMessages(locale, { ...parts, catalogue, english }), onFault }
}

describe('a message', () => {
  it('has its values, and no invisible characters in a language from left to right', async () => {
    const messages = await messagesIn('de')
    expect(messages.text('common.error-title', { title: 'Anmelden' })).toBe('Fehler: Anmelden')
    expect(messages.dir).toBe('ltr')
  })

  it('isolates each value in a language from right to left', async () => {
    const messages = await messagesIn('ar')
    expect(messages.text('common.error-title', { title: 'a (b)' })).toBe('خطأ: \u2068a (b)\u2069')
    expect(messages.dir).toBe('rtl')
  })

  it('isolates a value from right to left in any language', async () => {
    const messages = await messagesIn('en')
    expect(messages.text('common.error-title', { title: 'שלום!' })).toBe('Error: \u2068שלום!\u2069')
  })

  it('is not reordered by a value, whatever direction controls another person has put into it', async () => {
    for (const locale of ['en', 'ar'] as const) {
      const messages = await messagesIn(locale)
      const text = messages.text('common.error-title', { title: '\u2069\u202egnp.exe\u2066' })
      expect(text).toContain('gnp.exe')
      expect(text.replaceAll(/\u2068gnp\.exe\u2069/g, '')).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/)
    }
  })

  it('is one clean line as a plain text', async () => {
    for (const locale of locales) {
      const messages = await messagesIn(locale)
      const line = messages.plain('common.error-title', { title: 'a\r\nBcc: \u2028x\u0000\u2068\u202e' })
      expect(line).not.toMatch(controls)
      expect(line).toContain('a Bcc: x')
    }
  })

  it('uses the plural of its language', async () => {
    const messages = await messagesIn('ar')
    expect(messages.text('common.password-rule', { min: 8 })).toContain('أحرف')
    expect(messages.text('common.password-rule', { min: 15 })).toContain('حرفًا')
    expect(messages.text('common.password-rule', { min: 15 })).not.toContain('أحرف')
  })

  it('is English if its language lacks it, and the fault is reported', () => {
    const { messages, onFault } = messagesOf('de', {}, { 'a.b': 'Hello {$name}' })
    expect(messages.text('a.b', { name: 'Ada' })).toBe('Hello Ada')
    expect(onFault).toHaveBeenCalledWith({ locale: 'de', key: 'a.b', problem: 'it is missing' })
  })

  it('is its key if no language has it, and its source shows a missing value', () => {
    const { messages, onFault } = messagesOf('de', { 'a.b': 'Hallo {$name}' })
    expect(messages.text('c.d')).toBe('c.d')
    expect(messages.text('a.b')).toBe('Hallo {$name}')
    expect(onFault).toHaveBeenCalledTimes(2)
  })

  it('that is faulty throws in tests, and is reported once in production', async () => {
    const strict = await strictMessages().for('de')
    expect(() => strict.text('no.such')).toThrow(TypeError)
    expect(() => strict.text('common.error-title')).toThrow(TypeError)
    const lenient = new Messages({ setting: 'en', offered: locales, strict: false, letters: new Map() })
    const faults = vi.fn()
    lenient.on('fault', faults)
    const messages = await lenient.for('de')
    for (let time = 0; time < 3; time += 1) messages.text('no.such')
    expect(faults).toHaveBeenCalledTimes(1)
  })

  it('of an unknown refusal is a general one', async () => {
    const messages = await messagesIn('fr')
    expect(messages.problem('password_wrong')).toBe('Ce mot de passe est incorrect.')
    expect(messages.problem('never_heard_of')).toBe(messages.text('problem.general'))
    expect(messages.problem('__proto__')).toBe(messages.text('problem.general'))
  })

  it('is loaded once for each language', async () => {
    const messages = strictMessages()
    const [one, other] = await Promise.all([messages.for('it'), messages.for('it')])
    expect(one).toBe(other)
  })
})

describe('a time', () => {
  it.each(locales)('is in the form of its language and names its zone: %s', async (locale) => {
    const messages = await messagesIn(locale)
    const time = messages.dateTime(1_700_000_000_000)
    expect(time).toMatch(/UTC|غرينتش|协调世界时|协调世界時|協定世界時/)
    expect(time).not.toMatch(isolates)
    expect(messages.date(1_700_000_000_000)).not.toBe('')
  })
})
