// node scripts/build-common-passwords.mjs <list>: makes data/common-passwords.bloom of a list with one password a line (see data/README.md).
import { readFileSync, writeFileSync } from 'node:fs'
import { BloomFilter } from '../dist/accounts/bloom-filter.js'
import { foldPassword } from '../dist/accounts/common-passwords.js'

const shortest = 8
/** One good password in about 16,000 is refused with the bad ones. */
const hashes = 14

const [, , list] = process.argv
if (list === undefined) throw new Error('Give the path of the list.')
const passwords = new Set(readFileSync(list, 'utf8').split(/\r?\n/).map(foldPassword))
const usable = [...passwords].filter((password) => [...password].length >= shortest)
writeFileSync(new URL('../data/common-passwords.bloom', import.meta.url), BloomFilter.of(usable, hashes).toBytes())
console.log(`${usable.length} passwords`)
