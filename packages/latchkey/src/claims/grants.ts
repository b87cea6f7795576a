import { refusal } from '../errors.js'
import type { Claims } from './check-claims.js'
import { copyJsonObject, type JsonValue, MAX_DEPTH } from './plain-json.js'

/**
 * What the subject of a token may do. Frozen, with everything in it.
 *
 * With `tenantSecrets` these are the stored grants of the tenant (C1), of which a token's `scope` claim can only take
 * away. With every other key source they are the claims `roles` and `scope`: the signer of the token is the authority.
 */
export interface Grants {
  /** Roles, in the order in which they were granted. Empty for none. */
  readonly roles: readonly string[]
  /** Scope tokens with one space between them (RFC 6749 §3.3). Empty for none. */
  readonly scope: string
  /** Any further member that `setGrants` stored. Never taken from a token. */
  readonly [name: string]: JsonValue
}

/** What `setGrants` takes: a plain JSON object of at most 1 KiB, of whatever type or interface. */
export type GrantsInput = Readonly<Partial<Pick<Grants, 'roles' | 'scope'>>> &
  ({ readonly [name: string]: unknown } | object)

/** UTF-8 bytes that the JSON of one tenant's grants may have. */
export const MAX_GRANTS_BYTES = 1024

/** Grants of a tenant that has none. */
export const noGrants: Grants = Object.freeze({ roles: Object.freeze([]), scope: '' })

const scopePattern = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/

/**
 * Returns the JSON text under which grants are stored, `undefined` when nothing is granted. Throws a TypeError for
 * anything that JSON would change or drop (NaN, functions, getters, class instances, `toJSON`, `__proto__`), for a role
 * or a scope token that is malformed or repeated, and for a text of more than `MAX_GRANTS_BYTES`.
 */
export function encodeGrants(grants: GrantsInput | null): string | undefined {
  if (grants === null) return undefined
  const { roles = [], scope = '', ...others } = copyJsonObject(grants, 'grants')
  checkRoles(roles)
  checkScope(scope)
  const kept = { ...(roles.length > 0 && { roles }), ...(scope !== '' && { scope }), ...others }
  if (Object.keys(kept).length === 0) return undefined
  const text = JSON.stringify(kept)
  if (Buffer.byteLength(text) > MAX_GRANTS_BYTES) {
    throw new TypeError(`grants has more than ${MAX_GRANTS_BYTES} bytes of JSON: grant less, or keep it elsewhere.`)
  }
  return text
}

/** Returns the grants of a text that `encodeGrants` made. */
export function decodeGrants(text: string | undefined): Grants {
  if (text === undefined) return noGrants
  const { roles = [], scope = '', ...others } = JSON.parse(text)
  return deepFreeze({ roles, scope, ...others })
}

/**
 * Returns what a token may use of its tenant's grants: all of it, or the common part where the token has a `scope` claim.
 * One that is no text leaves no scope. No other claim counts.
 */
export function narrowGrants(granted: Grants, { scope }: Claims): Grants {
  if (scope === undefined || scope === granted.scope) return granted
  const asked = new Set(typeof scope === 'string' ? scope.split(' ') : [])
  const common = granted.scope.split(' ').filter((token) => asked.has(token))
  return Object.freeze({ ...granted, scope: common.join(' ') })
}

/** Returns the grants that the claims of a trusted signer state. A claim of the wrong type grants nothing. */
export function claimedGrants({ roles, scope }: Claims): Grants {
  if (roles === undefined && scope === undefined) return noGrants
  const isList = Array.isArray(roles) && roles.every((role) => typeof role === 'string')
  return deepFreeze({ roles: isList ? roles : [], scope: typeof scope === 'string' ? scope : '' })
}

/** Freezes a JSON value and everything in it. Throws `token_malformed` where it is nested more than `MAX_DEPTH` deep. */
export function deepFreeze<T extends object>(value: T, depth = 0): T {
  if (depth > MAX_DEPTH) throw refusal('token_malformed')
  for (const name in value) {
    const member = value[name]
    if (typeof member === 'object' && member !== null) deepFreeze(member, depth + 1)
  }
  return Object.freeze(value)
}

function checkRoles(roles: JsonValue): asserts roles is readonly string[] {
  const wellFormed = Array.isArray(roles) && roles.every((role) => typeof role === 'string' && role !== '')
  if (!wellFormed) throw new TypeError('grants.roles is a list of texts that are not empty.')
  if (new Set(roles).size !== roles.length) throw new TypeError('grants.roles names a role twice.')
}

function checkScope(scope: JsonValue): asserts scope is string {
  if (scope === '') return
  if (typeof scope !== 'string' || !scopePattern.test(scope)) {
    throw new TypeError('grants.scope is scope tokens (RFC 6749 §3.3) with one space between them.')
  }
  const tokens = scope.split(' ')
  if (new Set(tokens).size !== tokens.length) throw new TypeError('grants.scope names a scope twice.')
}
