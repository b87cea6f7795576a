import { refusal } from '../errors.js'
import type { Claims } from './check-claims.js'
import { copyJsonObject, type JsonValue, MAX_DEPTH } from './plain-json.js'

/**
 * The rights of a token's subject, deeply frozen.
 *
 * With `tenantSecrets` these are the stored grants of the tenant (C1), which the token's `scope`
 * claim can only narrow. With every other key source they are the claims `roles` and `scope`,
 * because the signer of the token is the authority.
 */
export interface Grants {
  /** Roles, in the order in which they were granted. Empty for none. */
  readonly roles: readonly string[]
  /** Scope tokens separated by one space (RFC 6749 §3.3). Empty for none. */
  readonly scope: string
  /** Any other member that `setGrants` stored. Never read from a token. */
  readonly [name: string]: JsonValue
}

/** The input of `setGrants`: a plain JSON object of at most 1 KiB. */
export type GrantsInput = Readonly<Partial<Pick<Grants, 'roles' | 'scope'>>> &
  ({ readonly [name: string]: unknown } | object)

/** The maximum length of one tenant's grants as JSON, in bytes of UTF-8. */
export const MAX_GRANTS_BYTES = 1024

/** The grants of a tenant without grants. */
export const noGrants: Grants = Object.freeze({ roles: Object.freeze([]), scope: '' })

const scopePattern = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/

/**
 * Returns the JSON text of grants as it is stored, or `undefined` for empty grants.
 *
 * @throws TypeError for a value that JSON would change or drop (NaN, functions, getters, class
 * instances, `toJSON`, `__proto__`), for a malformed or repeated role or scope token, and for a
 * text longer than `MAX_GRANTS_BYTES`
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
    throw new TypeError(`grants has more than ${MAX_GRANTS_BYTES} bytes of JSON: grant less, or store it elsewhere.`)
  }
  return text
}

/** Returns the grants of a text that `encodeGrants` returned. */
export function decodeGrants(text: string | undefined): Grants {
  if (text === undefined) return noGrants
  const { roles = [], scope = '', ...others } = JSON.parse(text)
  return deepFreeze({ roles, scope, ...others })
}

/**
 * Returns the tenant's grants, with the scope narrowed to the token's `scope` claim if it has one.
 * A `scope` claim that is not a string leaves an empty scope. No other claim is read.
 */
export function narrowGrants(granted: Grants, { scope }: Claims): Grants {
  if (scope === undefined || scope === granted.scope) return granted
  const asked = new Set(typeof scope === 'string' ? scope.split(' ') : [])
  const common = granted.scope.split(' ').filter((token) => asked.has(token))
  return Object.freeze({ ...granted, scope: common.join(' ') })
}

/** Returns the grants in the claims of a trusted signer. A claim of the wrong type is ignored. */
export function claimedGrants({ roles, scope }: Claims): Grants {
  if (roles === undefined && scope === undefined) return noGrants
  const isList = Array.isArray(roles) && roles.every((role) => typeof role === 'string')
  return deepFreeze({ roles: isList ? roles : [], scope: typeof scope === 'string' ? scope : '' })
}

/**
 * Freezes a JSON value and every value in it.
 *
 * @throws LatchkeyError `token_malformed` if the value is nested deeper than `MAX_DEPTH`
 */
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
  if (!wellFormed) throw new TypeError('grants.roles must be a list of non-empty strings.')
  if (new Set(roles).size !== roles.length) throw new TypeError('grants.roles names a role twice.')
}

function checkScope(scope: JsonValue): asserts scope is string {
  if (scope === '') return
  if (typeof scope !== 'string' || !scopePattern.test(scope)) {
    throw new TypeError('grants.scope must be scope tokens (RFC 6749 §3.3) separated by one space.')
  }
  const tokens = scope.split(' ')
  if (new Set(tokens).size !== tokens.length) throw new TypeError('grants.scope names a scope twice.')
}
