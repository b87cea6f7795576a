import { readFileSync } from 'node:fs'
import { packageFolder } from '../package-folder.js'
import { BloomFilter } from './bloom-filter.js'

/** A list of the passwords that attackers try first. */
export interface CommonPasswords {
  /** Returns whether the password is on the list, in any case, alone or repeated. */
  has(password: string): boolean
}

const file = new URL('data/common-passwords.bloom', packageFolder)

/**
 * Reads the list of this package (see data/README.md). The check works offline, so that no part of
 * a password leaves the process.
 */
export function readCommonPasswords(): CommonPasswords {
  const filter = BloomFilter.parse(readFileSync(file))
  return {
    has: (password) => {
      const folded = foldPassword(password)
      return filter.has(folded) || filter.has(repeatedPart(folded))
    },
  }
}

/** Returns the form in which the list contains a password. */
export function foldPassword(password: string): string {
  return password.normalize('NFC').toLowerCase()
}

/** Returns `abc` for `abcabcabc`, and a text without repetition as it is. */
function repeatedPart(text: string): string {
  // A text equals its rotation by exactly the lengths of its repeated parts.
  return text.slice(0, (text + text).indexOf(text, 1))
}
