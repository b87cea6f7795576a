import { refusal } from '../errors.js'
import { type Claims, registeredNames } from './check-claims.js'
import { deepFreeze } from './grants.js'
import { copyJsonObject, isPlainObject, type JsonObject } from './plain-json.js'

/**
 * A schema of any library that implements version 1 of Standard Schema
 * (https://standardschema.dev), such as Zod, Valibot and ArkType. It must be synchronous, and
 * return a plain object.
 */
export interface ClaimsSchema<Input extends object = object, Output extends object = object> {
  /** The members that Standard Schema defines. */
  readonly '~standard': {
    readonly version: 1
    /** The name of the library. */
    readonly vendor: string
    /** Standard Schema allows a promise here. A schema that returns one is refused. */
    readonly validate: (value: unknown) => ClaimsResult<Output> | Promise<ClaimsResult<Output>>
    /** Exists in the types alone. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** The result of a schema: the claims that it returns, or its issues. */
export type ClaimsResult<Output extends object> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly ClaimsIssue[] }

/** A finding of a schema. */
export interface ClaimsIssue {
  /** Never shown, because it may contain the value. */
  readonly message: string
  /** The names and indexes that lead to the value. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/**
 * Returns the schema, if there is one.
 *
 * @throws TypeError for a value that is no Standard Schema
 */
export function checkClaimsSchema(schema: ClaimsSchema | undefined): ClaimsSchema | undefined {
  if (schema === undefined) return undefined
  const standard = schema?.['~standard']
  if (standard?.version === 1 && typeof standard.validate === 'function') return schema
  throw new TypeError('claims must be a Standard Schema of version 1, such as a schema of Zod, Valibot or ArkType.')
}

/**
 * Checks the claims of a token that is about to be signed, so that the same schema accepts them
 * when the token is verified (C10).
 *
 * @param claims The claims as a verifier parses them.
 * @throws TypeError that names the claim which the schema refuses, or for a schema that is
 * asynchronous or returns no plain object; otherwise the error that the schema throws
 */
export function checkBySchema(schema: ClaimsSchema, claims: Claims): void {
  const { refused } = applySchema(schema, claims, ownClaims(claims))
  if (refused === undefined) return
  const name = refused === '' ? 'claims' : `claims.${refused}`
  throw new TypeError(`${name} does not match the schema of the option claims.`)
}

/**
 * Returns the claims of a verified token: the registered ones, and what the schema returns for the
 * others. Plain objects and lists in them are frozen.
 *
 * @throws LatchkeyError `claims_mismatch` for claims that the schema or `issue` refuses;
 * `claims_schema_failed` if the schema throws, is asynchronous or returns no plain object, with the
 * reason as `cause`; `token_malformed` for claims that are nested too deeply
 */
export function readBySchema(schema: ClaimsSchema, claims: Claims): Claims {
  deepFreeze(claims)
  const own = acceptableClaims(claims)
  const { accepted, refused } = attempt(() => applySchema(schema, claims, own))
  if (accepted !== undefined) return accepted
  throw refusal('claims_mismatch', refused === '' ? {} : { detail: refused })
}

/**
 * What a schema makes of the claims: all claims of the token, or the path of a refused one, which
 * is empty if it has none.
 */
type Outcome =
  | { readonly accepted: Claims; readonly refused?: undefined }
  | { readonly accepted?: undefined; readonly refused: string }

/** Calls the schema. Throws what the schema throws, and a TypeError for a result without use. */
function applySchema(schema: ClaimsSchema, claims: Claims, own: JsonObject): Outcome {
  const result = schema['~standard'].validate(own)
  if (isPromise(result)) {
    result.then(undefined, () => {})
    throw new TypeError('The schema of the option claims is asynchronous: use one without asynchronous checks.')
  }
  if (result.issues) return { refused: pathOf(result.issues) }
  return { accepted: mergeClaims(claims, result.value) }
}

function isPromise(result: object): result is PromiseLike<unknown> {
  return 'then' in result && typeof result.then === 'function'
}

function attempt(call: () => Outcome): Outcome {
  try {
    return call()
  } catch (cause) {
    throw refusal('claims_schema_failed', { cause })
  }
}

function mergeClaims(claims: Claims, value: unknown): Claims {
  if (!isPlainObject(value)) throw new TypeError('The schema of the option claims must return a plain object.')
  const taken = Object.keys(value).find((name) => registeredNames.has(name))
  if (taken !== undefined) throw new TypeError(`The schema of the option claims returns ${taken}: the issuer sets it.`)
  const registered = Object.entries(claims).filter(([name]) => registeredNames.has(name))
  return freezePlain({ ...Object.fromEntries(registered), ...value }) as Claims
}

/**
 * Returns a copy of the claims that are not registered, which the schema may change: grants and
 * signatures depend on the original ones alone.
 *
 * @throws TypeError for names and values that `issue` refuses, such as `__proto__`
 */
function ownClaims(claims: Claims): JsonObject {
  const own = Object.entries(claims).filter(([name]) => !registeredNames.has(name))
  return copyJsonObject(Object.fromEntries(own), 'claims')
}

function acceptableClaims(claims: Claims): JsonObject {
  try {
    return ownClaims(claims)
  } catch {
    throw refusal('claims_mismatch')
  }
}

/** A name that a challenge can contain (RFC 6750 §3). */
const printable = /^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/

/** The maximum number of names in a path, for the size of the header. */
const maxPathLength = 8

/**
 * Returns the path of the first issue, such as `seats[0].name`. It ends before a name that a header
 * cannot contain, because the holder of a secret chooses the names of claims.
 */
function pathOf([first]: readonly ClaimsIssue[]): string {
  let path = ''
  for (const part of Array.from(first?.path ?? []).slice(0, maxPathLength)) {
    const name = typeof part === 'object' ? part.key : part
    if (!printable.test(String(name))) break
    path += typeof name === 'number' ? `[${name}]` : `.${String(name)}`
  }
  return path.replace(/^\./, '')
}

/**
 * Freezes plain objects and lists at any depth, because requests share them (C8). Other objects,
 * such as dates, stay as the schema made them.
 */
function freezePlain<T>(value: T, frozen = new Set<unknown>()): T {
  if (!(Array.isArray(value) || isPlainObject(value)) || frozen.has(value)) return value
  frozen.add(value)
  for (const member of Object.values(value)) freezePlain(member, frozen)
  return Object.freeze(value)
}
