import type { Locale } from '../locales.js'
import { readLetterTemplates } from './letter-templates.js'
import { Messages } from './messages.js'

/** The settings of the languages. */
export interface LanguageConfiguration {
  /** The language if nothing else decides. */
  readonly locale: Locale
  readonly offered: readonly Locale[]
  /** The folder with letters of the operator. */
  readonly letters: string | undefined
}

/**
 * Opens the messages of pages and letters. Throws StartupFailure `letters_invalid` for letters of
 * the operator that cannot be sent.
 */
export async function openMessages({
  languages: { locale, offered, letters: folder },
  production,
}: {
  readonly languages: LanguageConfiguration
  readonly production: boolean
}): Promise<Messages> {
  const letters = folder === undefined ? new Map() : await readLetterTemplates(folder)
  return new Messages({ setting: locale, offered, strict: !production, letters })
}
