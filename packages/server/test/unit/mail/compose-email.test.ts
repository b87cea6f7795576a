import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Locale, locales } from '../../../src/locales.js'
import { composeEmail } from '../../../src/mail/compose-email.js'
import type { Email } from '../../../src/mail/email.js'
import { emailsWith, lettersWith } from '../../support/all-letters.js'
import { messagesIn } from '../../support/messages.js'

const linkBase = 'https://shop.example/account'
/**
 * Matches liberally what mail programs turn into links: a dot or a colon between characters that
 * are no space.
 */
const looksLikeLink = /\w[\w-]*(?:\.[a-z]{2,}|:\/)[^\s"<]*/gi

const compose = async (email: Email, locale: Locale = 'en') => composeEmail(email, linkBase, await messagesIn(locale))

async function linksIn(email: Email, locale: Locale): Promise<string[]> {
  const { subject, text, html } = await compose(email, locale)
  const links = [subject, text, html].flatMap((part) => part.match(looksLikeLink) ?? [])
  return [...new Set(links)].filter((found) => !found.startsWith('shop.example') && !found.startsWith(linkBase))
}

describe('a letter', () => {
  it.each([
    'www.evil.example/your-account-will-be-deleted/sign-in-here?',
    'https://evil.example/',
    'Mozilla/5.0 (X11; Linux x86_64) evil.example/login Firefox/140.0',
    'evil.example',
    'evil.example/1.0',
    'fe80::1%www.evil.example',
    '<a href="//evil.example">',
  ])('contains no link but its own, whatever name another person has chosen: %s', async (chosen) => {
    for (const locale of locales)
      for (const email of emailsWith(chosen))
        expect([locale, email.kind, await linksIn(email, locale)]).toEqual([locale, email.kind, []])
  })

  it('contains no text of another person', async () => {
    await fc.assert(
      fc.asyncProperty(fc.stringMatching(/^[a-z]{3,12}(\.[a-z]{3,12}){1,3}$/), async (chosen) => {
        for (const email of emailsWith(chosen)) {
          const { subject, text, html } = await compose(email)
          expect(`${subject}${text}${html}`).not.toContain(chosen)
        }
      }),
    )
  })

  it('names the origin of a sign-in from a new device, and repeats no text of the device', async () => {
    const userAgent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
    const at = 1_700_000_000_000
    const to = { to: 'ada@example.com', account: 'a1' }
    const email = { kind: 'new_device', ...to, at, address: '2001:db8::7', userAgent } as const
    const { text } = await compose(email)
    expect(text).toContain('2001:db8::7')
    expect(text).toContain('Firefox on Linux')
    expect(text).toContain('November 14, 2023')
    expect((await compose(email, 'de')).text).toContain('Firefox unter Linux')
  })

  it.each(locales)('has a subject of one clean line, and a text, in each language: %s', async (locale) => {
    for (const [name, email] of lettersWith('x')) {
      const { subject, text, html } = await compose(email, locale)
      expect([name, subject]).toEqual([name, subject.trim()])
      expect(subject).toMatch(/^[^\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]{3,120}$/u)
      expect(text).toMatch(/[^\n]\n$/)
      expect(text).not.toMatch(/\{|\}|undefined|\n\n\n/)
      expect(html).toMatch(/^<!doctype html><html lang="[\w-]+" dir="(ltr|rtl)"><body><p>/)
      expect(html).not.toMatch(/<p><\/p>/)
    }
  })

  it.each(locales)('has its link in a line of its own and as one anchor, if it has one: %s', async (locale) => {
    for (const email of emailsWith('x')) {
      const { text, html } = await compose(email, locale)
      const lines = text.split('\n').filter((line) => line.includes('#token='))
      const anchors = html.match(/<a [^>]*>/g) ?? []
      const hasLink = 'link' in email || (email.kind === 'sign_in' && email.linkToken !== null)
      if (!hasLink) {
        expect([lines, anchors]).toEqual([[], []])
        continue
      }
      const [line = ''] = lines
      expect(lines).toHaveLength(1)
      expect(line).toMatch(/^https:\/\/shop\.example\/account\/[a-z/-]+#token=T{43}$/)
      expect(anchors).toEqual([`<a href="${line}">`])
      expect(html).toContain(`>${line}</a></p>`)
    }
  })

  it.each(locales)('has its code in a line of its own, as people copy it, if it has one: %s', async (locale) => {
    for (const email of emailsWith('x')) {
      const { subject, text, html } = await compose(email, locale)
      const isExpected = email.kind === 'sign_in' && email.code !== null
      expect([email.kind, text.split('\n').includes('12345 67890')]).toEqual([email.kind, isExpected])
      expect(html.includes('<p dir="ltr"><strong>12345 67890</strong></p>')).toBe(isExpected)
      // Mail programs show the subject on locked screens.
      expect(subject).not.toContain('12345')
    }
  })

  it('in Arabic is written from right to left, and isolates what is not', async () => {
    const [first] = emailsWith('x')
    if (first === undefined) throw new Error('There is no letter.')
    const { subject, text, html } = await compose(first, 'ar')
    expect(html).toContain('<html lang="ar" dir="rtl">')
    expect(text).toContain('\u2068shop.example\u2069')
    expect(subject).toBe('أكّد بريدك الإلكتروني')
    expect((await compose(first, 'zh-Hans')).html).toContain('<html lang="zh-Hans" dir="ltr">')
    expect((await compose(first, 'de')).text).not.toMatch(/[\u2066-\u2069]/)
  })
})
