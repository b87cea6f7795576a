import type { FailureCode } from 'latchkey'

/** The checks of a token, in the order in which the verifier makes them. */
export const tokenCheckNames = [
  'form',
  'key_id',
  'secret',
  'algorithm',
  'signature',
  'claims',
  'times',
  'session',
  'grants',
] as const

/** The name of a check. */
export type TokenCheckName = (typeof tokenCheckNames)[number]

/** The outcomes of a check. `not_applicable`: tokens of this kind need no such check. */
export const tokenCheckOutcomes = ['passed', 'refused', 'not_checked', 'not_applicable'] as const

/** One check of a token and its outcome. */
export interface TokenCheck {
  readonly name: TokenCheckName
  /** The contract of the design that the check enforces: C1 to C10. */
  readonly contract: string
  readonly outcome: (typeof tokenCheckOutcomes)[number]
  readonly explanation: string
}

/** The reason of a refusal, and what an administrator can do. */
export interface TokenRefusal {
  readonly code: string
  readonly message: string
  readonly hint: string
}

/** The kind of a token that the verifier has checked. */
export type CheckedKind = 'access_token' | 'service_token'

interface Check {
  readonly contract: string
  readonly passed: string
}

const checks: Readonly<Record<TokenCheckName, Check>> = {
  form: {
    contract: 'C3',
    passed: 'A compact JWS of at most 8 KiB, without duplicate members and without a header parameter that is refused.',
  },
  key_id: { contract: 'C2', passed: 'This server has issued the key ID: its MAC is genuine.' },
  secret: { contract: 'C4', passed: 'The secret exists and verifies, by knowledge within the maximum staleness.' },
  algorithm: { contract: 'C3', passed: 'The algorithm is the one of the key. The token cannot choose another.' },
  signature: { contract: 'C1', passed: 'The signature is that of the key.' },
  claims: { contract: 'C1', passed: 'iss, aud, typ and sub are right: the subject owns the secret.' },
  times: { contract: 'C1', passed: 'The token is valid now, and no longer than this server allows.' },
  session: { contract: 'C8', passed: 'This server has started the session, and it has not ended.' },
  grants: {
    contract: 'C1',
    passed: 'The rights are the stored ones of the owner. The token can narrow them, never widen them.',
  },
}

/** The differences for a token that services verify with the JWKS. */
const serviceChecks: Partial<Readonly<Record<TokenCheckName, Partial<Check> & { readonly isApplied?: false }>>> = {
  key_id: { passed: 'The key ID names a published key of /.well-known/jwks.json.' },
  secret: { passed: 'The key pair signs, or its tokens are still valid.' },
  claims: { passed: 'iss, aud and typ are right. The key pair may sign for every subject.' },
  session: { passed: 'Services verify offline: the end of a session does not end this token.', isApplied: false },
  grants: { passed: 'Services take the rights from the claims, as they were at the exchange.', isApplied: false },
}

/**
 * The check that a code belongs to. `after`: the verifier refuses with it once all checks before
 * this one have passed. @defaultValue the check itself
 */
interface Place {
  readonly check: TokenCheckName
  readonly after?: TokenCheckName
  /** The next step of an administrator, where the hint for the client does not help. */
  readonly advice?: string
}

const places: Partial<Readonly<Record<FailureCode, Place>>> = {
  token_too_large: { check: 'form' },
  token_malformed: { check: 'form', advice: 'Copy the whole token: three parts with a dot between.' },
  header_refused: { check: 'form', advice: 'This server issues no such token. Find out which program made it.' },
  // Decided by the header alone, before the key is known.
  algorithm_refused: {
    check: 'algorithm',
    after: 'key_id',
    advice: 'This server issues no such token: another program made it, or it is an attempt to forge one.',
  },
  type_mismatch: { check: 'claims', after: 'key_id', advice: 'It may be an ID token. APIs take access tokens.' },
  kid_unknown: {
    check: 'key_id',
    advice:
      'Another server issued the token, or the keys of this server were replaced since, or the token is forged. ' +
      'Compare its issuer with that of this server.',
  },
  token_revoked: {
    check: 'secret',
    advice:
      'The secret has ended: it was revoked, its grace period is over, or its owner was disabled or deleted. ' +
      'The audit log of the owner says when. A new sign-in returns a valid token.',
  },
  tenant_disabled: { check: 'secret', advice: 'Enable the account. Tokens from before stay refused.' },
  reissue_required: {
    check: 'secret',
    after: 'grants',
    advice: 'The secret was rotated or asked for new tokens. The client gets one with its refresh token.',
  },
  signature_invalid: {
    check: 'signature',
    advice: 'The token was changed, or it is forged. Its author did not have the secret that its key ID names.',
  },
  subject_mismatch: {
    check: 'claims',
    advice: 'Its author has the secret of one owner and claims to be another: revoke that secret.',
  },
  claim_missing: { check: 'claims' },
  claim_invalid: { check: 'claims' },
  claims_mismatch: { check: 'claims' },
  issuer_mismatch: { check: 'claims' },
  audience_mismatch: { check: 'claims' },
  token_expired: { check: 'times', advice: 'The client must refresh its session and send the new token.' },
  token_not_yet_valid: { check: 'times' },
  session_forged: {
    check: 'session',
    advice: 'The secret has leaked: only its holder can sign this. The server has revoked it by itself.',
  },
  session_ended: {
    check: 'session',
    advice: 'The owner signed out, or an administrator ended the session. A new sign-in starts another.',
  },
}

/** Returns the outcome of each check of a token that was refused with this code, or accepted. */
export function checksOf(refusal: TokenRefusal | null, kind: CheckedKind): readonly TokenCheck[] {
  if (refusal === null) return tokenCheckNames.map((name) => applied(name, kind) ?? passed(name, kind))
  const place = places[refusal.code as FailureCode] ?? { check: 'form' }
  const reached = tokenCheckNames.indexOf(place.after ?? place.check)
  return tokenCheckNames.map((name, index) => {
    const { contract } = checks[name]
    if (name === place.check) return { name, contract, outcome: 'refused', explanation: refusal.message }
    if (index < reached) return applied(name, kind) ?? passed(name, kind)
    return { name, contract, outcome: 'not_checked', explanation: 'Not checked, because another check has refused.' }
  })
}

/** Returns what an administrator can do about a refusal. */
export function adviceOn({ code, hint }: Pick<TokenRefusal, 'code' | 'hint'>): string {
  return places[code as FailureCode]?.advice ?? hint
}

/**
 * Returns whether the owner of the key has made the claims. A token with a session that was never
 * started, or with another subject, was signed by a thief of the secret.
 */
export function isSigned(refusal: TokenRefusal | null): boolean {
  if (refusal === null) return true
  const place = places[refusal.code as FailureCode]
  if (place === undefined || refusal.code === 'session_forged' || refusal.code === 'subject_mismatch') return false
  return tokenCheckNames.indexOf(place.after ?? place.check) > tokenCheckNames.indexOf('signature')
}

function passed(name: TokenCheckName, kind: CheckedKind): TokenCheck {
  const { contract, passed: explanation } = {
    ...checks[name],
    ...(kind === 'service_token' ? serviceChecks[name] : {}),
  }
  return { name, contract, outcome: 'passed', explanation }
}

/** Returns the check if tokens of this kind do not need it. */
function applied(name: TokenCheckName, kind: CheckedKind): TokenCheck | undefined {
  if (kind !== 'service_token' || serviceChecks[name]?.isApplied !== false) return undefined
  return { ...passed(name, kind), outcome: 'not_applicable' }
}
