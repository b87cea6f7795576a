import { type Locale, locales } from '../../src/locales.js'
import { Messages } from '../../src/messages/messages.js'

/** Returns the messages of this package, in which a fault throws. */
export function strictMessages(): Messages {
  return new Messages({ setting: 'en', offered: locales, strict: true, letters: new Map() })
}

const strict = strictMessages()

/** Returns the messages of a language. */
export function messagesIn(locale: Locale) {
  return strict.for(locale)
}
