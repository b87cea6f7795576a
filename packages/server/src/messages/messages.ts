import { EventEmitter } from 'node:events'
import type { Locale } from '../locales.js'
import { type Catalogue, readCatalogue } from './catalogue.js'
import { LocaleMessages, type MessageFault } from './locale-messages.js'
import { acceptedLocale, type LocaleSettings, type LocaleWishes, negotiateLocale } from './negotiate-locale.js'

interface MessagesOptions extends LocaleSettings {
  /** Whether a faulty message throws. Otherwise the English one replaces it. */
  readonly strict: boolean
  /** Letters of the operator, which replace those of the catalogues. */
  readonly letters: ReadonlyMap<Locale, Catalogue>
}

/** A message is missing or cannot be formatted. Emitted once for each message. */
interface MessagesEvents {
  fault: [MessageFault]
}

/**
 * The messages of pages and letters. A language, and the package that formats messages, are loaded
 * at their first use, because most starts use none.
 */
export class Messages extends EventEmitter<MessagesEvents> {
  readonly #options: MessagesOptions
  readonly #loaded = new Map<Locale, Promise<LocaleMessages>>()
  readonly #reported = new Set<string>()

  constructor(options: MessagesOptions) {
    super()
    this.#options = options
  }

  /** The languages that this server offers. */
  get offered(): readonly Locale[] {
    return this.#options.offered
  }

  /** Returns the messages of a language, which `negotiate` returned. */
  for(locale: Locale): Promise<LocaleMessages> {
    const known = this.#loaded.get(locale)
    if (known !== undefined) return known
    const loading = this.#load(locale)
    this.#loaded.set(locale, loading)
    // A file that cannot be read now may be readable later.
    loading.catch(() => this.#loaded.delete(locale))
    return loading
  }

  /** Returns the language of a page or a letter; see `negotiateLocale`. */
  negotiate(wishes: LocaleWishes): Locale {
    return negotiateLocale({ ...this.#options, ...wishes })
  }

  /** Returns the language that a request asks for; `null` if it asks for none of those offered. */
  requested(acceptLanguage: string | undefined): Locale | null {
    return acceptedLocale(acceptLanguage, this.#options.offered) ?? null
  }

  async #load(locale: Locale): Promise<LocaleMessages> {
    const [{ MessageFormat: format }, own, english] = await Promise.all([
      import('messageformat'),
      readCatalogue(locale),
      readCatalogue('en'),
    ])
    const letters = this.#options.letters.get(locale) ?? []
    const catalogue = new Map([...own, ...letters])
    return new LocaleMessages(locale, { catalogue, english, format, onFault: (fault) => this.#report(fault) })
  }

  #report(fault: MessageFault): void {
    const { locale, key, problem } = fault
    if (this.#options.strict) throw new TypeError(`The message ${key} (${locale}) is faulty: ${problem}.`)
    const name = `${locale} ${key}`
    if (this.#reported.has(name)) return
    this.#reported.add(name)
    this.emit('fault', fault)
  }
}
