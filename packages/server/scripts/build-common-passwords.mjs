// node scripts/build-common-passwords.mjs <list>: writes data/common-passwords.bloom from a list
// with one password a line (see data/README.md).
import { readFileSync, writeFileSync } from 'node:fs'
import { BloomFilter } from '../dist/accounts/bloom-filter.js'
import { foldPassword } from '../dist/accounts/common-passwords.js'

const shortest = 8
/** With these, about one in 16,000 other passwords is refused as well. */
const hashes = 14

const [, , list] = process.argv
if (list === undefined) throw new Error('The path of the list is missing: pass it as the argument.')
const passwords = new Set(readFileSync(list, 'utf8').split(/\r?\n/).map(foldPassword))
const usable = [...passwords].filter((password) => [...password].length >= shortest)
writeFileSync(new URL('../data/common-passwords.bloom', import.meta.url), BloomFilter.of(usable, hashes).toBytes())
console.log(`${usable.length} passwords`)
