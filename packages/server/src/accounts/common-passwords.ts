import { readFileSync } from 'node:fs'
import { packageFolder } from '../package-folder.js'
import { BloomFilter } from './bloom-filter.js'

/** Passwords that guessers try first. */
export interface CommonPasswords {
  /** Whether it is one of them, in whatever case, by itself or repeated. */
  has(password: string): boolean
}

const file = new URL('data/common-passwords.bloom', packageFolder)

/** The list that comes with this package: offline, and nothing of a password leaves the process (see data/README.md). */
export function readCommonPasswords(): CommonPasswords {
  const filter = BloomFilter.parse(readFileSync(file))
  return {
    has: (password) => {
      const folded = foldPassword(password)
      return filter.has(folded) || filter.has(repeatedPart(folded))
    },
  }
}

/** The spelling in which the list holds a password. */
export function foldPassword(password: string): string {
  return password.normalize('NFC').toLowerCase()
}

/** `abc` of `abcabcabc`; the text itself where nothing is repeated. */
function repeatedPart(text: string): string {
  // A text is its own rotation by exactly the lengths that it repeats in.
  return text.slice(0, (text + text).indexOf(text, 1))
}
