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
 * Turns passwords into what may be stored, and checks them, also against what other systems have stored. Both cost tens of milliseconds by design, off the
 * event loop; an imported hash costs what it says, until its owner has signed in once.
 */
export interface PasswordHasher {
  /** The hash of a password in PHC format, with a salt of its own; before it `pepper:<id>` where there is a pepper. */
  hash(password: string): Promise<string>
  /**
   * Compares a password with a hash. `undefined` for "there is no such account" and `noPassword` cost
   * the same work and never match, so that the time of an answer does not show which addresses have
   * accounts.
   */
  compare(password: string, hashed: string | undefined): Promise<Comparison>
  /** Whether the password would be hashed differently now: with more work, or with another pepper. */
  isOutdated(hashed: string): boolean
}

/** What a comparison of a password with a hash has found. */
export interface Comparison {
  readonly matches: boolean
  /**
   * Whether the account's hash is to be replaced by one of this password. Only where it matches, and
   * not where other passwords match as well because the hash does not cover the whole text.
   */
  readonly rehash: boolean
}

/** Memory in KiB, passes, threads. */
type Cost = Required<Pick<Options, 'memoryCost' | 'timeCost' | 'parallelism'>>

/** How passwords are hashed. */
export interface PasswordHasherOptions {
  readonly peppers?: Peppers
  readonly cost?: Cost
}

// OWASP's Password Storage Cheat Sheet: Argon2id, which is the default algorithm, with m = 19 MiB, t = 2, p = 1.
const usualCost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** Argon2id (RFC 9106); a pepper is its secret value K (§3.1). `compare` fails with `master_key_missing` for a pepper that is not there. */
export async function createPasswordHasher({
  peppers = Peppers.parse(undefined),
  cost = usualCost,
}: PasswordHasherOptions = {}): Promise<PasswordHasher> {
  const newest = peppers.newest
  const hashNow = (password: string | Uint8Array) => hash(password, { ...cost, ...secretOf(newest) })
  const nobody = store(await hashNow(randomBytes(32)), newest)
  return {
    hash: async (password) => store(await hashNow(normalisePassword(password)), newest),
    compare: async (password, hashed = noPassword) => {
      if (isForeign(hashed, cost)) return compareForeign(password, parseImportedHash(hashed))
      const { phc, pepperId } = parse(hashed === noPassword ? nobody : hashed)
      const pepper = pepperId === undefined ? undefined : peppers.find(pepperId)
      if (pepperId !== undefined && pepper === undefined) throw new LatchkeyError('master_key_missing')
      const normalised = normalisePassword(password)
      const isOurs = await verify(phc, normalised, secretOf(pepper))
      // Without a pepper it may come from another system that hashes at the same cost, but what was typed.
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

/** Fails with the start-up code `pepper_missing` while there are hashes made with a pepper that is not there: their owners could not sign in. */
export async function checkPeppers(client: SqlClient, peppers: Peppers): Promise<void> {
  const known = peppers.ids.map((id) => `${pepperPrefix}${id}$`)
  const foreign = await findForeignHash(client, pepperPrefix, known)
  if (foreign === undefined) return
  throw new StartupFailure(
    'pepper_missing',
    `There are passwords that were hashed with the pepper ${JSON.stringify(parse(foreign).pepperId)}, which this process does not hold.`,
    'Add it to PASSWORD_PEPPERS again, behind the newest. Nothing was changed.',
  )
}

const pepperPrefix = 'pepper:'

/** Hashed by another system, or by this one at another cost and without a pepper: verified as the hash itself says. */
function isForeign(hashed: string, cost: Cost): boolean {
  return hashed !== noPassword && !hashed.startsWith(pepperPrefix) && !isHashedAtCost(hashed, cost)
}

/**
 * The other system may have hashed letters as they were typed, or composed: both spellings are tried.
 * A hash that does not cover the whole of the spelling that matches stays, because the password that
 * it was made of may go on differently.
 */
async function compareForeign(password: string, hash: ImportedHash | HashFault): Promise<Comparison> {
  if (typeof hash === 'string') return { matches: false, rehash: false }
  for (const spelling of new Set([password, normalisePassword(password)])) {
    if (await verifyImported(spelling, hash)) return { matches: true, rehash: coversWhole(hash, spelling) }
  }
  return { matches: false, rehash: false }
}

function store(phc: string, pepper: Pepper | undefined): string {
  return pepper === undefined ? phc : `${pepperPrefix}${pepper.id}${phc}`
}

function parse(stored: string): { readonly phc: string; readonly pepperId: string | undefined } {
  if (!stored.startsWith(pepperPrefix)) return { phc: stored, pepperId: undefined }
  // An ID holds no dollar sign, and a hash in PHC format begins with one.
  const at = stored.indexOf('$')
  return { phc: stored.slice(at), pepperId: stored.slice(pepperPrefix.length, at) }
}

function secretOf(pepper: Pepper | undefined): Options {
  return pepper === undefined ? {} : { secret: pepper.key }
}

/** One whose parameters are written in another order than ours counts as another's: it verifies, and is hashed anew. */
function isHashedAtCost(phc: string, { memoryCost, timeCost, parallelism }: Cost): boolean {
  return phc.startsWith(`$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$`)
}
