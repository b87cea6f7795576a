import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Locale, locales, matchLocale } from '../../../src/locales.js'
import { acceptedLocale, negotiateLocale } from '../../../src/messages/negotiate-locale.js'

const settings = { setting: 'en', offered: locales } as const

describe('the language of a page', () => {
  it.each([
    ['zh', 'zh-Hans'],
    ['zh-CN', 'zh-Hans'],
    ['zh-Hans', 'zh-Hans'],
    ['zh-Hans-CN', 'zh-Hans'],
    ['zh-SG', 'zh-Hans'],
    ['ZH-cn', 'zh-Hans'],
    ['pt-BR', 'pt'],
    ['pt-PT', 'pt'],
    ['de-AT', 'de'],
    ['en-GB', 'en'],
    ['es-419', 'es'],
    ['ar-EG', 'ar'],
    ['ja-JP', 'ja'],
  ])('of a reader of %s is %s', (tag, locale) => {
    expect(negotiateLocale({ setting: 'fr', offered: locales, acceptLanguage: tag })).toBe(locale)
  })

  it.each([
    'zh-TW',
    'zh-Hant',
    'ru',
    'sr-Latn',
    '*',
    '',
    'x-private',
    'i-klingon',
    '-',
    'de_DE',
    'e',
    'toolonglanguage',
  ])('of a reader of "%s" is that of the setting', (tag) => {
    expect(negotiateLocale({ setting: 'fr', offered: locales, acceptLanguage: tag })).toBe('fr')
  })

  it('follows the weights of the browser, and passes over what is not offered', () => {
    expect(acceptedLocale('ru, nl;q=0.3, it;q=0.8, *;q=0.9', locales)).toBe('it')
    expect(acceptedLocale('zh-TW,zh;q=0.9,en;q=0.8', locales)).toBe('zh-Hans')
    expect(acceptedLocale('de;q=0, fr;q=0.1', locales)).toBe('fr')
    expect(acceptedLocale('de, fr;q=0.5', ['fr', 'en'])).toBe('fr')
  })

  it('is that of the account, if it is still offered', () => {
    const wishes = { account: 'ja', acceptLanguage: 'de' }
    expect(negotiateLocale({ ...settings, ...wishes })).toBe('ja')
    expect(negotiateLocale({ setting: 'en', offered: ['en', 'de'], ...wishes })).toBe('de')
    expect(negotiateLocale({ ...settings, account: null, acceptLanguage: 'de' })).toBe('de')
    expect(negotiateLocale({ ...settings, account: 'de' })).toBe('de')
    expect(negotiateLocale(settings)).toBe('en')
  })

  it('is one of those offered, whatever header and account say', () => {
    const tag = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('de', 'zh-TW', 'zh-Hans', 'ar-EG', '*', 'x-a', 'en-u-nu-arab', 'de-1996-1996', '__proto__'),
    )
    const header = fc
      .array(
        fc.tuple(tag, fc.constantFrom('', ';q=0', ';q=1', ';q=NaN', ';q=-1', ';q', ';q=1e999', ';;', ' ; q = 0.5')),
      )
      .map((parts) => parts.map((part) => part.join('')).join(','))
    const offered = fc.uniqueArray(fc.constantFrom<Locale>(...locales), { minLength: 1 })
    fc.assert(
      fc.property(
        fc.oneof(header, fc.string({ unit: 'binary' })),
        fc.option(tag),
        offered,
        (acceptLanguage, account, some) => {
          const [setting = 'en'] = some
          expect(some).toContain(negotiateLocale({ setting, offered: some, account, acceptLanguage }))
        },
      ),
    )
  })

  it.each([
    ['many languages', 'de,'],
    ['many weights', 'xx;q=0.1,'],
    ['spaces', ' '],
    ['hyphens', '-'],
    ['semicolons', ';'],
    ['quotes', '"'],
    ['backslashes in quotes', '"\\'],
    ['equals signs', 'a;q==='],
  ])('is found in little time for a header of 16 KiB, and for one of the longest length: %s', (_, part) => {
    for (const length of [16_384, 1024]) {
      const begun = performance.now()
      negotiateLocale({
        ...settings,
        acceptLanguage: part.repeat(length).slice(0, length),
        account: 'de-'.repeat(5000),
      })
      expect(performance.now() - begun).toBeLessThan(100)
    }
  })

  it('never matches another script', () => {
    expect(matchLocale('ar-Latn')).toBeUndefined()
    expect(matchLocale('zh-Hant-CN')).toBeUndefined()
    expect(matchLocale('en')).toBe('en')
  })
})
