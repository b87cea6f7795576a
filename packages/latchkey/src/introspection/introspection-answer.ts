import { type Claims, checkTypes } from '../claims/check-claims.js'
import { claimedGrants, deepFreeze, type Grants } from '../claims/grants.js'
import { isLatchkeyError, refusal } from '../errors.js'
import { hasDuplicateNames, parseJsonObject } from '../strict-json.js'

/** The statement of an issuer that a token is active (RFC 7662 §2.2), deeply frozen. */
export interface ActiveToken {
  readonly claims: Claims
  /** The members `roles` and `scope`, by the rule for claims of an authority. */
  readonly grants: Grants
}

/**
 * Parses the answer to the introspection of one token: its claims and grants, or `undefined` for a
 * token that is not active. Only `active: true` is an acceptance.
 *
 * The answer must name `iss`, `sub`, `aud`, `exp` and `iat`, as RFC 9068 §2.2 requires of the token
 * itself. Without them an answer that was meant for another token could not be noticed.
 *
 * @param claimed The claims of the token, whose signature was not verified.
 * @throws an Error with the reason if the answer is unusable; LatchkeyError
 * `introspection_mismatch` if it describes another token, `type_mismatch` if it describes no bearer
 * token
 */
export function parseAnswer(body: Buffer, claimed: Claims): ActiveToken | undefined {
  const { active, token_type: tokenType, ...described } = parseObject(body)
  if (active === false) return undefined
  if (active !== true) throw new Error('"active" is neither true nor false')
  const claims = claimsOf(described, claimed)
  checkSameToken(claims, claimed)
  // Such as DPoP (RFC 9449 §6.2), whose proof is not checked here.
  if (tokenType !== undefined && !isBearer(tokenType)) throw refusal('type_mismatch')
  return { claims, grants: claimedGrants(claims) }
}

function parseObject(body: Buffer): Readonly<Record<string, unknown>> {
  const answer = parseJsonObject(body)
  if (answer === undefined) throw new Error('it is no JSON object in UTF-8')
  // Another parser, such as that of a proxy, may have read the first of two members.
  if (hasDuplicateNames(body.toString('utf8'))) throw new Error('it has two members of one name')
  if (Object.hasOwn(answer, '__proto__')) throw new Error('it has a member "__proto__"')
  return answer
}

/** Returns the claims of the answer. Of the token itself only `jti` is added where it is absent. */
function claimsOf(described: Readonly<Record<string, unknown>>, { jti }: Claims): Claims {
  try {
    return deepFreeze(checkTypes({ jti, ...described }))
  } catch (error) {
    if (isLatchkeyError(error)) throw new Error(`it describes no access token: ${error.message.replace(/\.$/, '')}`)
    throw error
  }
}

function isBearer(tokenType: unknown): boolean {
  return typeof tokenType === 'string' && tokenType.toLowerCase() === 'bearer'
}

/** Claims that must be equal where both the answer and the token have them. */
const comparedNames = ['iss', 'sub', 'exp', 'iat', 'jti', 'nbf', 'sid', 'client_id'] as const

/** Throws `introspection_mismatch`, with the name of the claim as the cause. */
function checkSameToken(claims: Claims, claimed: Claims): void {
  const differs = (name: string) =>
    claims[name] !== undefined && claimed[name] !== undefined && claims[name] !== claimed[name]
  const name = isSameAudience(claims.aud, claimed.aud) ? comparedNames.find(differs) : 'aud'
  if (name === undefined) return
  throw refusal('introspection_mismatch', { cause: new Error(`"${name}" of the answer is not that of the token`) })
}

/** Returns whether two audiences are equal. A text is a list of one; the order has no meaning. */
function isSameAudience(one: Claims['aud'], other: Claims['aud']): boolean {
  const [ones, others] = [new Set([one].flat()), new Set([other].flat())]
  return ones.size === others.size && [...ones].every((audience) => others.has(audience))
}
