import { readFile } from 'node:fs/promises'
import type { Locale } from '../locales.js'
import { packageFolder } from '../package-folder.js'

/** Messages in MessageFormat 2 by their keys. */
export type Catalogue = ReadonlyMap<string, string>

/** Reads the catalogue of a language of this package. */
export async function readCatalogue(locale: Locale): Promise<Catalogue> {
  return parseCatalogue(await readFile(new URL(`locales/${locale}.json`, packageFolder), 'utf8'))
}

/** Parses one JSON object of texts. Throws a `TypeError` or a `SyntaxError` for anything else. */
export function parseCatalogue(text: string): Catalogue {
  const content: unknown = JSON.parse(text)
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw new TypeError('A catalogue is one JSON object.')
  return new Map(
    Object.entries(content).map(([key, message]) => {
      if (typeof message !== 'string') throw new TypeError(`${JSON.stringify(key)} is not a text.`)
      return [key, message]
    }),
  )
}
