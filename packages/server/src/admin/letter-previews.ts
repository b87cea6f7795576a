import type { Clock } from 'latchkey'
import type { Locale } from '../locales.js'
import { type ComposedEmail, composeEmail } from '../mail/compose-email.js'
import { exampleLetter, type LetterName } from '../mail/example-letters.js'
import type { Messages } from '../messages/messages.js'

/** A letter with example values, as it would be sent. */
export interface LetterPreview extends ComposedEmail {
  readonly locale: Locale
  readonly dir: 'ltr' | 'rtl'
}

/** Shows letters by the templates that are in use, also those of the operator. */
export class LetterPreviews {
  readonly #messages: Pick<Messages, 'for' | 'negotiate'>
  readonly #settings: { readonly clock: Pick<Clock, 'now'>; readonly linkBase: string }

  constructor(
    messages: Pick<Messages, 'for' | 'negotiate'>,
    settings: { readonly clock: Pick<Clock, 'now'>; readonly linkBase: string },
  ) {
    this.#messages = messages
    this.#settings = settings
  }

  /** Returns a letter in a language; without one in that of the setting. */
  async of(name: LetterName, locale: Locale | undefined): Promise<LetterPreview> {
    const { clock, linkBase } = this.#settings
    const language = await this.#messages.for(this.#messages.negotiate({ account: locale }))
    const composed = composeEmail(exampleLetter(name, clock.now()), linkBase, language)
    return { ...composed, locale: language.locale, dir: language.dir }
  }
}
