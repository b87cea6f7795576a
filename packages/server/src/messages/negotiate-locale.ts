import { createRequire } from 'node:module'
import type Negotiator from 'negotiator'
import { type Locale, matchLocale } from '../locales.js'

/** The wishes that decide the language of a page or a letter. */
export interface LocaleWishes {
  /** The language that the account has stored. */
  readonly account?: string | null | undefined
  /** The `Accept-Language` header of the request. */
  readonly acceptLanguage?: string | undefined
}

/** The languages of this server. */
export interface LocaleSettings {
  /** The language if nothing else decides; one of those offered. */
  readonly setting: Locale
  readonly offered: readonly Locale[]
}

/** Longer headers are ignored. Browsers send less than 200 characters. */
const maxHeaderLength = 1024

/** The languages of a header that are looked up, by their weights. */
const maxTags = 32

/**
 * Returns the language of a page or a letter: that of the account, else the first that the browser
 * accepts, else that of the setting. The result is always one of those offered.
 */
export function negotiateLocale({ setting, offered, account, acceptLanguage }: LocaleSettings & LocaleWishes): Locale {
  const stored = typeof account === 'string' ? matchLocale(account, offered) : undefined
  return stored ?? acceptedLocale(acceptLanguage, offered) ?? setting
}

/**
 * Returns the first language that an `Accept-Language` header accepts (RFC 9110 §12.5.4) and that
 * is offered; `undefined` if there is none. The wildcard selects none.
 */
export function acceptedLocale(acceptLanguage: string | undefined, offered: readonly Locale[]): Locale | undefined {
  if (acceptLanguage === undefined || acceptLanguage.length > maxHeaderLength) return undefined
  const Parser = loadNegotiator()
  const accepted = new Parser({ headers: { 'accept-language': acceptLanguage } }).languages()
  for (const tag of accepted.slice(0, maxTags)) {
    const locale = matchLocale(tag, offered)
    if (locale !== undefined) return locale
  }
  return undefined
}

let loaded: typeof Negotiator | undefined

/** Loads the package at its first use, because a start needs none of its seven files. */
function loadNegotiator(): typeof Negotiator {
  loaded ??= createRequire(import.meta.url)('negotiator') as typeof Negotiator
  return loaded
}
