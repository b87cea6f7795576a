import type { MessageFormat } from 'messageformat'
import type { Locale } from '../locales.js'
import { hasRightToLeft, withoutDirectionControls, withoutIsolates } from './bidi.js'
import type { Catalogue } from './catalogue.js'

/** The values of the placeholders of a message. */
export type MessageValues = Readonly<Record<string, string | number>>

/** A fault of a message: it is missing, or it cannot be formatted. */
export interface MessageFault {
  readonly locale: Locale
  readonly key: string
  readonly problem: string
}

interface LocaleMessagesParts {
  readonly catalogue: Catalogue
  /** Replaces messages that the catalogue lacks. */
  readonly english: Catalogue
  readonly format: typeof MessageFormat
  /** Called for each fault. It may throw. */
  readonly onFault: (fault: MessageFault) => void
}

const rightToLeftLocales: readonly Locale[] = ['ar']

/** The messages of one language. A message is compiled at its first use, and kept. */
export class LocaleMessages {
  readonly locale: Locale
  /** The direction of the language, for the attribute `dir`. */
  readonly dir: 'ltr' | 'rtl'
  readonly #parts: LocaleMessagesParts
  readonly #compiled = new Map<string, MessageFormat>()
  #dateTimes: Intl.DateTimeFormat | undefined
  #dates: Intl.DateTimeFormat | undefined

  constructor(locale: Locale, parts: LocaleMessagesParts) {
    this.locale = locale
    this.dir = rightToLeftLocales.includes(locale) ? 'rtl' : 'ltr'
    this.#parts = parts
  }

  /** Returns whether there is a message with this key. */
  has(key: string): boolean {
    return this.#parts.catalogue.has(key) || this.#parts.english.has(key)
  }

  /**
   * Returns a message for pages, in content and in attributes that people read (`title`,
   * `aria-label`, `placeholder`). It is not escaped. Values are isolated as MessageFormat 2 does,
   * by U+2066 to U+2069, if the language or a value is written from right to left. Otherwise the
   * text has no such characters, so that a copied value is exact.
   */
  text(key: string, values: MessageValues = {}): string {
    const clean = cleanValues(values)
    const formatted = this.#format(key, clean)
    return this.dir === 'rtl' || Object.values(clean).some(isRightToLeft) ? formatted : withoutIsolates(formatted)
  }

  /**
   * Returns a message as one line without directional isolates and control characters, for
   * subjects of e-mail and other places where a program reads the text.
   */
  plain(key: string, values: MessageValues = {}): string {
    const formatted = withoutDirectionControls(this.#format(key, cleanValues(values)))
    return formatted.replaceAll(/ *[\p{Cc}\p{Zl}\p{Zp}][ \p{Cc}\p{Zl}\p{Zp}]*/gu, ' ').trim()
  }

  /** Returns the text of a refusal; a general one if the code has no message. */
  problem(code: string, values: MessageValues = {}): string {
    const key = `problem.${code}`
    return this.has(key) ? this.text(key, values) : this.text('problem.general')
  }

  /** Returns a time with its date, in UTC. `ms`: milliseconds since 1970. */
  dateTime(ms: number): string {
    this.#dateTimes ??= new Intl.DateTimeFormat(this.locale, {
      year: 'numeric',
      month: 'long',
      day: 'numeric',
      hour: 'numeric',
      minute: '2-digit',
      timeZone: 'UTC',
      timeZoneName: 'short',
    })
    return this.#dateTimes.format(ms)
  }

  /** Returns a date, in UTC. `ms`: milliseconds since 1970. */
  date(ms: number): string {
    this.#dates ??= new Intl.DateTimeFormat(this.locale, {
      year: 'numeric',
      month: 'long',
      day: 'numeric',
      timeZone: 'UTC',
    })
    return this.#dates.format(ms)
  }

  #format(key: string, values: MessageValues): string {
    const message = this.#compile(key)
    if (message === undefined) return key
    return message.format(values, (error) => this.#report(key, reasonOf(error)))
  }

  #compile(key: string): MessageFormat | undefined {
    const known = this.#compiled.get(key)
    if (known !== undefined) return known
    const { catalogue, english, format: Format } = this.#parts
    const own = catalogue.get(key)
    if (own === undefined) this.#report(key, 'it is missing')
    const source = own ?? english.get(key)
    if (source === undefined) return undefined
    const compiled = new Format(own === undefined ? 'en' : this.locale, source, { dir: this.dir })
    this.#compiled.set(key, compiled)
    return compiled
  }

  #report(key: string, problem: string): void {
    this.#parts.onFault({ locale: this.locale, key, problem })
  }
}

function cleanValues(values: MessageValues): MessageValues {
  const cleaned = Object.entries(values).map(([name, value]) => [
    name,
    typeof value === 'string' ? withoutDirectionControls(value) : value,
  ])
  return Object.fromEntries(cleaned)
}

function isRightToLeft(value: string | number): boolean {
  return typeof value === 'string' && hasRightToLeft(value)
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
