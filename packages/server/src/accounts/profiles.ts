import type { SqlClient } from 'latchkey/sql'
import type { Core } from '../core.js'
import type { RequestOrigin } from '../request-origin.js'
import type { Acting, Actors } from '../sessions/actors.js'
import * as table from './account-table.js'
import { accountFailures } from './failures.js'
import { isJsonObject, type JsonObject, mergePatch } from './merge-patch.js'
import type { ProfileRule } from './profile-rule.js'

interface ProfileSettings {
  readonly rule: ProfileRule
  readonly claims: readonly string[]
}

const maxProfileBytes = 4096
/** Limit of all profile claims together, because a token must fit into a cookie. */
const maxClaimsBytes = 1024
const maxDepth = 16

/**
 * The profiles of accounts: JSON objects of applications, which have no effect on rights. Changes
 * are merged (RFC 7396) under the lock of the account, so that concurrent changes of different
 * members all take effect.
 */
export class Profiles {
  readonly #core: Core
  readonly #actors: Actors
  readonly #settings: ProfileSettings

  constructor(core: Core, actors: Actors, settings: ProfileSettings) {
    this.#core = core
    this.#actors = actors
    this.#settings = settings
  }

  /**
   * Changes the profile of the acting account.
   *
   * @throws Problem `profile_protected` for members that only administrators can change, and the
   * codes of `apply` and `Actors.lock`
   */
  async change(acting: Acting, patch: JsonObject, { address }: RequestOrigin): Promise<table.Account> {
    const { store, audit } = this.#core
    if (Object.keys(patch).some((name) => this.#settings.rule.readOnly.has(name)))
      throw accountFailures.refusal('profile_protected')
    return store.transaction(async (client) => {
      await this.#actors.lock(client, acting)
      const changed = await this.apply(client, acting.accountId, patch)
      await audit.done(client, 'profile_change', { ...acting, address })
      return changed
    })
  }

  /**
   * Merges a patch into the profile of an account that the caller's transaction has locked.
   *
   * @throws Problem `profile_too_large`, `profile_invalid`, `account_unknown`
   */
  async apply(client: SqlClient, id: string, patch: JsonObject): Promise<table.Account> {
    checkStorable(patch)
    const account = await table.findAccount(client, id)
    if (account === undefined) throw accountFailures.refusal('account_unknown')
    const profile = mergePatch(profileOf(account), patch)
    this.#settings.rule.check(profile)
    const text = JSON.stringify(profile)
    const fits = Buffer.byteLength(text) <= maxProfileBytes && bytesOf(this.#claimsIn(profile)) <= maxClaimsBytes
    if (!fits) throw accountFailures.refusal('profile_too_large')
    const changed = await table.updateAccount(client, { id }, { profile: text })
    if (changed === undefined) throw accountFailures.refusal('account_unknown')
    return changed
  }

  /** Returns the members of the profile that only administrators can change, as JSON. */
  protectedPart(account: table.Account): string {
    const { readOnly } = this.#settings.rule
    return JSON.stringify(pick(profileOf(account), (name) => readOnly.has(name)))
  }

  /** Returns the claims of a new access token of the account; none if they are too large. */
  async claimsOf(accountId: string): Promise<JsonObject> {
    if (this.#settings.claims.length === 0) return {}
    const account = await table.findAccount(this.#core.store, accountId)
    const claims = account === undefined ? {} : this.#claimsIn(profileOf(account))
    return bytesOf(claims) <= maxClaimsBytes ? claims : {}
  }

  #claimsIn(profile: JsonObject): JsonObject {
    return pick(profile, (name) => this.#settings.claims.includes(name))
  }
}

/** Returns the profile of an account. */
export function profileOf({ profile }: Pick<table.Account, 'profile'>): JsonObject {
  const parsed: unknown = JSON.parse(profile)
  return isJsonObject(parsed) ? parsed : {}
}

/**
 * Names that no claim of a token may have at any depth. With such a claim, the account could not
 * sign in.
 */
const refusedNames: readonly string[] = ['__proto__', 'toJSON']

/**
 * Checks level by level instead of by recursion, because the client chooses the depth. JSON has no
 * Infinity, but `1e999` is parsed as Infinity.
 */
function checkStorable(patch: JsonObject): void {
  let level: readonly unknown[] = [patch]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (!level.every(isStorable) || depth > maxDepth) {
      const message = `must have no number above 1.7e308, no member ${refusedNames.join(' or ')}, and at most ${maxDepth} levels`
      throw accountFailures.refusal('profile_invalid', { extensions: { errors: [{ field: 'profile', message }] } })
    }
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []))
  }
}

function isStorable(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  return typeof value !== 'object' || value === null || !refusedNames.some((name) => Object.hasOwn(value, name))
}

function pick(object: JsonObject, isWanted: (name: string) => boolean): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => isWanted(name)))
}

function bytesOf(value: JsonObject): number {
  return Buffer.byteLength(JSON.stringify(value))
}
