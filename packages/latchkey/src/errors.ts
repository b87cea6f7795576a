import { defineFailures, type FailureError, type FailureOptions } from './define-failures.js'

const tokenRefused = { status: 401, challenge: 'invalid_token' } as const

/** Of a short outage: the next check, or the process that takes over, follows within seconds. */
const soon = { status: 503, headers: { 'Retry-After': '1' } } as const

const library = defineFailures('LatchkeyError', {
  credentials_missing: {
    status: 401,
    challenge: null,
    message: 'The request contains no access token.',
    hint: 'Send "Authorization: Bearer <token>".',
  },
  credentials_ambiguous: {
    status: 400,
    challenge: 'invalid_request',
    message: 'The request contains the access token in more than one place.',
    hint: 'Send it once: RFC 6750 §2 allows one method per request.',
  },
  credentials_malformed: {
    status: 400,
    challenge: 'invalid_request',
    message: 'The credentials of the request are malformed.',
    hint: 'Send "Authorization: Bearer <token>" with one token and nothing after it.',
  },
  csrf_refused: {
    status: 403,
    message: 'Another site may have caused this request.',
    hint: 'Send the request from a page of this origin or of a trusted one, or the token in the Authorization header.',
  },
  token_too_large: {
    ...tokenRefused,
    message: 'The token is larger than this verifier accepts.',
    hint: 'Put fewer claims into the token, or raise maxTokenBytes.',
  },
  token_malformed: {
    ...tokenRefused,
    message: 'The token is not a well-formed compact JWS.',
    hint: 'Send the token exactly as it was issued.',
  },
  header_refused: {
    ...tokenRefused,
    message: 'The token header contains a parameter that is never accepted.',
    hint: 'Issue tokens without crit, b64, jku, jwk, x5u, x5c and zip.',
  },
  algorithm_refused: {
    ...tokenRefused,
    message: 'The token is not signed with the algorithm of its key.',
    hint: 'Issue tokens with the algorithm of the key: a verifier accepts no other.',
  },
  type_mismatch: {
    ...tokenRefused,
    message: 'The token is not an access token.',
    hint: 'Send a token whose header has the typ "at+jwt" (RFC 9068 §2.1).',
  },
  kid_unknown: {
    ...tokenRefused,
    message: 'The token names no key that this verifier has.',
    hint: 'Sign in again. Tokens of other issuers must have the kid of their key.',
  },
  signature_invalid: {
    ...tokenRefused,
    message: 'The signature of the token is invalid.',
    hint: 'Sign in again.',
  },
  claim_missing: {
    ...tokenRefused,
    message: 'The token lacks a required claim.',
    hint: 'Issue tokens with iss, sub, aud, exp, iat and jti.',
  },
  claim_invalid: {
    ...tokenRefused,
    message: 'A registered claim of the token has the wrong type or range.',
    hint: 'Issue registered claims as RFC 7519 §4.1 defines them.',
  },
  claims_mismatch: {
    ...tokenRefused,
    message: 'The claims of the token do not match the schema of this API.',
    hint: 'Refresh the session and retry. If that does not help, the issuer signs other claims than this API requires.',
  },
  claims_schema_failed: {
    status: 500,
    message: 'The schema of the claims has failed.',
    hint: 'The operator finds the reason in the cause of the error.',
  },
  issuer_mismatch: {
    ...tokenRefused,
    message: 'The token comes from another issuer.',
    hint: 'Use a token of the issuer that this service accepts.',
  },
  audience_mismatch: {
    ...tokenRefused,
    message: 'The token was issued for another audience.',
    hint: 'Request a token for this API.',
  },
  subject_mismatch: {
    ...tokenRefused,
    message: 'The subject of the token is not the owner of the secret that signed it.',
    hint: 'Sign in again.',
  },
  token_expired: {
    ...tokenRefused,
    message: 'The token has expired.',
    hint: 'Refresh the session and retry.',
  },
  token_not_yet_valid: {
    ...tokenRefused,
    message: 'The token is not valid yet.',
    hint: 'Retry later, and check that the clocks are synchronized.',
  },
  token_revoked: {
    ...tokenRefused,
    message: 'The token has been revoked.',
    hint: 'Sign in again.',
  },
  token_inactive: {
    ...tokenRefused,
    message: 'The issuer states that the token is not active.',
    hint: 'Refresh the session and retry, or sign in again.',
  },
  introspection_mismatch: {
    ...tokenRefused,
    message: 'The issuer has described another token.',
    hint: 'Sign in again.',
  },
  session_ended: {
    ...tokenRefused,
    message: 'The session of the token has ended.',
    hint: 'Sign in again.',
  },
  session_forged: {
    ...tokenRefused,
    message: 'The session of the token was never started.',
    hint: 'Sign in again.',
  },
  reissue_required: {
    ...tokenRefused,
    message: 'The claims of the token are out of date.',
    hint: 'Refresh the session and retry; no new sign-in is needed.',
  },
  tenant_disabled: {
    ...tokenRefused,
    message: 'The account is disabled.',
    hint: 'Ask an administrator to enable it.',
  },
  refresh_token_invalid: {
    ...tokenRefused,
    message: 'The refresh token was not issued here, or its session no longer exists.',
    hint: 'Sign in again.',
  },
  refresh_token_expired: {
    ...tokenRefused,
    message: 'The session has expired.',
    hint: 'Sign in again.',
  },
  refresh_token_reused: {
    ...tokenRefused,
    message: 'The refresh token was used before, or by another client. Its session has been ended for safety.',
    hint: 'Sign in again, and keep only the newest refresh token.',
  },
  insufficient_scope: {
    status: 403,
    challenge: 'insufficient_scope',
    message: 'The caller does not have the required scope.',
    hint: 'Request a token with the scope in the WWW-Authenticate challenge.',
  },
  insufficient_role: {
    status: 403,
    message: 'The caller does not have the required role.',
    hint: 'Ask an administrator for the role.',
  },
  insufficient_claim: {
    status: 403,
    message: 'The token of the caller does not have the required claim.',
    hint: 'Sign in so that the issuer puts the claim into the token.',
  },
  insufficient_user_authentication: {
    status: 401,
    challenge: 'insufficient_user_authentication',
    message: 'The user has not authenticated recently or strongly enough.',
    hint: 'Authenticate the user again, as max_age and acr_values of the WWW-Authenticate challenge demand.',
  },
  grants_changed: {
    ...tokenRefused,
    message: 'The grants of the caller have changed since the connection was opened.',
    hint: 'Connect again: the token is still valid.',
  },
  tenant_unknown: {
    status: 404,
    message: 'There is no such tenant.',
    hint: 'Check the ID. A tenant that was deleted with forget cannot be changed.',
  },
  tenant_invalid: {
    status: 400,
    message: 'The tenant ID is invalid.',
    hint: 'Use 1 to 255 characters of well-formed text without NUL.',
  },
  tenant_inactive: {
    status: 409,
    message: 'The tenant is disabled and cannot get a new secret.',
    hint: 'Enable it, which creates a new secret.',
  },
  too_many_rotations: {
    status: 409,
    message: 'The tenant already has the maximum number of verifying secrets.',
    hint: 'Wait until a grace period ends, or revoke the tenant.',
  },
  store_unavailable: {
    ...soon,
    message: 'The token or the tenant could not be checked.',
    hint: 'Retry after a moment.',
  },
  store_busy: {
    ...soon,
    message: 'Other transactions have locked the rows that this call must change.',
    hint: 'Retry after a moment. If the error persists, look for a transaction that is left open.',
  },
  store_closed: {
    ...soon,
    message: 'The process is stopping.',
    hint: 'Retry after a moment.',
  },
  data_corrupt: {
    status: 503,
    message: 'The data file is damaged or is not a database.',
    hint: 'Keep the file, and restore a backup to another path.',
  },
  schema_too_new: {
    status: 503,
    message: 'The database was written by a newer version.',
    hint: 'Run the newer version, or restore a backup of this version.',
  },
  schema_missing: {
    status: 503,
    message: 'The database lacks tables of this version.',
    hint: 'Call store.migrate() once before use.',
  },
  store_rights_missing: {
    status: 503,
    message: 'The database role of this process lacks a required privilege.',
    hint: 'Grant the role usage of the schema, and select, insert, update and delete on the tables. The owner of the tables migrates them.',
  },
  master_key_missing: {
    status: 503,
    message: 'Stored secrets are encrypted under a master key that this process does not have.',
    hint: 'Add the key to masterKeys, and keep old keys until a rewrap is complete.',
  },
  master_key_wrong: {
    status: 503,
    message: 'A stored secret cannot be decrypted: the master key or the row differs from those of its encryption.',
    hint: 'Check that masterKeys contains the right bytes under the right ID, and that no row was altered.',
  },
  jwks_unavailable: {
    status: 503,
    message: 'The key set of the issuer cannot be fetched at the moment.',
    hint: 'Retry after the seconds in Retry-After.',
  },
  introspection_unavailable: {
    status: 503,
    message: 'The issuer cannot check the token at the moment.',
    hint: 'Retry after the seconds in Retry-After.',
  },
})

/**
 * All failures of the library by their codes: HTTP status, challenge, message and hint.
 *
 * @example
 * const { status, hint } = failures.token_expired
 */
export const failures = library.table

/** The stable code of a failure of the library. A code is never renamed. */
export type FailureCode = keyof typeof failures

/** Details of a `LatchkeyError`. */
export type LatchkeyErrorOptions = FailureOptions

/**
 * A failure of the library, with a stable `code`, an HTTP `status` and a `hint`.
 *
 * @example
 * throw new LatchkeyError('insufficient_scope', { scope: 'posts:write' })
 */
export const LatchkeyError = library.Error
/** A failure of the library. */
export type LatchkeyError = FailureError<FailureCode>

/**
 * Returns whether an error is a `LatchkeyError` of any copy of this package in the process.
 *
 * @example
 * if (isLatchkeyError(error)) res.status(error.status).json({ code: error.code, hint: error.hint })
 */
export const isLatchkeyError: (error: unknown) => error is LatchkeyError = library.is

/** Returns a `LatchkeyError` without a stack trace, which is cheaper to create. */
export const refusal: (code: FailureCode, options?: FailureOptions) => LatchkeyError = library.refusal
