/**
 * The languages of pages and letters, as BCP 47 tags. Each one has a catalogue in `locales/`. The
 * first one has every message, and replaces messages that another one lacks.
 */
export const locales = ['en', 'de', 'fr', 'es', 'pt', 'it', 'nl', 'ja', 'zh-Hans', 'ar'] as const

/** A language that this package has messages in. */
export type Locale = (typeof locales)[number]

/** Longer tags are not parsed: they consist of extensions, which select nothing here. */
const maxTagLength = 64

/**
 * Returns the language among `offered` that has the language and the script of the tag: `zh-CN` and
 * `zh` select `zh-Hans`, `pt-BR` selects `pt`, and `zh-TW` selects nothing. Returns `undefined` if
 * there is none, or if the text is not a language tag.
 */
export function matchLocale(tag: string, offered: readonly Locale[] = locales): Locale | undefined {
  const written = writtenLanguage(tag)
  byWrittenLanguage ??= new Map(locales.map((locale) => [writtenLanguage(locale), locale]))
  const locale = written === undefined ? undefined : byWrittenLanguage.get(written)
  return locale !== undefined && offered.includes(locale) ? locale : undefined
}

let byWrittenLanguage: ReadonlyMap<string | undefined, Locale> | undefined

/** Returns whether a text is a well-formed language tag. */
export function isLanguageTag(text: string): boolean {
  return writtenLanguage(text) !== undefined
}

/** Returns the language and the script that a tag stands for, such as `zh-Hans` for `zh-SG`. */
function writtenLanguage(tag: string): string | undefined {
  if (tag.length > maxTagLength) return undefined
  try {
    const { language, script = '' } = new Intl.Locale(tag).maximize()
    return `${language}-${script}`
  } catch {
    return undefined
  }
}
