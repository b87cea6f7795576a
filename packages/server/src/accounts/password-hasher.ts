import { randomBytes } from 'node:crypto'
import { hash, type Options, verify } from '@node-rs/argon2'
import { LatchkeyError } from 'latchkey'
import type { SqlClient } from 'latchkey/sql'
import { StartupFailure } from '../startup-failure.js'
import { findForeignHash } from './account-table.js'
import { type HashFault, type ImportedHash, parseImportedHash } from './imported-hash.js'
import { noPassword, normalisePassword } from './password.js'
import { type Pepper, Peppers } from './peppers.js'
import { coversWhole, verifyImported } from './verify-imported.js'

/**
 * Hashes passwords, and compares them with hashes of this server and of other systems. Both take
 * tens of milliseconds by design and run off the event loop. An imported hash costs as much as its
 * parameters say, until its owner has signed in once.
 */
export interface PasswordHasher {
  /**
   * Returns the hash of a password in PHC format, with its own salt. If there is a pepper,
   * `pepper:<id>` precedes the hash.
   */
  hash(password: string): Promise<string>
  /**
   * Compares a password with a hash. `undefined` (no such account) and `noPassword` cost the same
   * work and never match, so that the duration of an answer does not show which addresses have
   * accounts.
   */
  compare(password: string, hashed: string | undefined): Promise<Comparison>
  /** Returns whether a new hash of the password would have other parameters or another pepper. */
  isOutdated(hashed: string): boolean
}

/** The result of comparing a password with a hash. */
export interface Comparison {
  readonly matches: boolean
  /**
   * Whether to replace the stored hash by a hash of this password. Only if the password matches.
   * Not if the hash does not cover the whole text, because other passwords match it as well.
   */
  readonly rehash: boolean
}

/** Memory in KiB, passes, threads. */
type Cost = Required<Pick<Options, 'memoryCost' | 'timeCost' | 'parallelism'>>

/** Options of `createPasswordHasher`. */
export interface PasswordHasherOptions {
  readonly peppers?: Peppers
  readonly cost?: Cost
}

// OWASP's Password Storage Cheat Sheet: Argon2id, which is the default algorithm, with m = 19 MiB,
// t = 2, p = 1.
const usualCost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/**
 * Creates a hasher that uses Argon2id (RFC 9106), with the pepper as its secret value K (§3.1).
 * `compare` throws `master_key_missing` if the pepper of a hash is missing.
 */
export async function createPasswordHasher({
  peppers = Peppers.parse(undefined),
  cost = usualCost,
}: PasswordHasherOptions = {}): Promise<PasswordHasher> {
  const newest = peppers.newest
  const hashNow = (password: string | Uint8Array) => hash(password, { ...cost, ...secretOf(newest) })
  const dummyHash = store(await hashNow(randomBytes(32)), newest)
  return {
    hash: async (password) => store(await hashNow(normalisePassword(password)), newest),
    compare: async (password, hashed = noPassword) => {
      if (isForeign(hashed, cost)) return compareForeign(password, parseImportedHash(hashed))
      const { phc, pepperId } = parse(hashed === noPassword ? dummyHash : hashed)
      const pepper = pepperId === undefined ? undefined : peppers.find(pepperId)
      if (pepperId !== undefined && pepper === undefined) throw new LatchkeyError('master_key_missing')
      const normalised = normalisePassword(password)
      const isOurs = await verify(phc, normalised, secretOf(pepper))
      // A hash without a pepper may come from another system that hashes at the same cost, but
      // without normalisation.
      const isAsTyped = !isOurs && pepperId === undefined && password !== normalised && (await verify(phc, password))
      const matches = (isOurs || isAsTyped) && hashed !== noPassword
      return { matches, rehash: matches && (isAsTyped || pepperId !== newest?.id) }
    },
    isOutdated: (hashed) => {
      if (hashed === noPassword) return false
      if (isForeign(hashed, cost)) return true
      const { phc, pepperId } = parse(hashed)
      return pepperId !== newest?.id || !isHashedAtCost(phc, cost)
    },
  }
}

/**
 * Throws StartupFailure `pepper_missing` if the pepper of a stored hash is missing: its owner could
 * not sign in.
 */
export async function checkPeppers(client: SqlClient, peppers: Peppers): Promise<void> {
  const known = peppers.ids.map((id) => `${pepperPrefix}${id}$`)
  const foreign = await findForeignHash(client, pepperPrefix, known)
  if (foreign === undefined) return
  throw new StartupFailure(
    'pepper_missing',
    `PASSWORD_PEPPERS lacks the pepper ${JSON.stringify(parse(foreign).pepperId)}, with which stored passwords were hashed.`,
    'Add it to PASSWORD_PEPPERS again, after the newest one. Nothing was changed.',
  )
}

const pepperPrefix = 'pepper:'

/**
 * Returns whether another system made the hash, or this one at another cost and without a pepper.
 * Such a hash is verified by its own parameters.
 */
function isForeign(hashed: string, cost: Cost): boolean {
  return hashed !== noPassword && !hashed.startsWith(pepperPrefix) && !isHashedAtCost(hashed, cost)
}

/**
 * Compares with each spelling, because the other system may have hashed the text as typed, or
 * normalised to NFC, or to NFKC as better-auth does. A hash that does not cover the whole spelling
 * is kept, because the original password may have a different end.
 */
async function compareForeign(password: string, hash: ImportedHash | HashFault): Promise<Comparison> {
  if (typeof hash === 'string') return { matches: false, rehash: false }
  for (const spelling of new Set([password, normalisePassword(password), password.normalize('NFKC')])) {
    if (await verifyImported(spelling, hash)) return { matches: true, rehash: coversWhole(hash, spelling) }
  }
  return { matches: false, rehash: false }
}

function store(phc: string, pepper: Pepper | undefined): string {
  return pepper === undefined ? phc : `${pepperPrefix}${pepper.id}${phc}`
}

function parse(stored: string): { readonly phc: string; readonly pepperId: string | undefined } {
  if (!stored.startsWith(pepperPrefix)) return { phc: stored, pepperId: undefined }
  // An ID contains no dollar sign, and a hash in PHC format begins with one.
  const at = stored.indexOf('$')
  return { phc: stored.slice(at), pepperId: stored.slice(pepperPrefix.length, at) }
}

function secretOf(pepper: Pepper | undefined): Options {
  return pepper === undefined ? {} : { secret: pepper.key }
}

/**
 * Returns whether the hash has this cost. If its parameters are in another order, the result is
 * `false`: the hash still verifies, and is replaced.
 */
function isHashedAtCost(phc: string, { memoryCost, timeCost, parallelism }: Cost): boolean {
  return phc.startsWith(`$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$`)
}
