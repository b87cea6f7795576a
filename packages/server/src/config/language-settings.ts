import { type Locale, locales } from '../locales.js'
import { oneOf, setting } from './setting.js'

/** The settings of the languages of pages and letters. */
export const languageSettings = {
  /** The language if neither the account nor the browser decides. */
  locale: oneOf(locales, {
    name: 'LATCHKEY_LOCALE',
    description:
      'The language of pages and letters where neither the account nor the "Accept-Language" of the browser decides. See docs/guides/languages.md.',
    default: 'en',
  }),
  offered: setting<readonly Locale[], readonly Locale[]>({
    name: 'LATCHKEY_LOCALES',
    description: 'The languages that pages and letters are offered in. It must contain LATCHKEY_LOCALE.',
    accepts: `a list of ${locales.join(', ')}, separated by commas`,
    default: locales,
    parse: parseLocales,
    format: (offered) => offered.join(', '),
  }),
  /** The folder with letters of the operator; `undefined`: none. */
  letters: setting({
    name: 'LATCHKEY_LETTERS',
    description:
      'A folder with letters that replace those of the server: one file for each language, such as "de.json". See docs/guides/languages.md.',
    accepts: 'the path of a folder',
    default: undefined,
    defaultText: 'the letters of the server',
    parse: (text) => text,
  }),
}

function parseLocales(text: string): readonly Locale[] | undefined {
  const given = text.split(',').map((locale) => locale.trim())
  const known = locales.filter((locale) => given.includes(locale))
  return known.length === given.length ? known : undefined
}
