import { defineFailures, type FailureError, type FailureOptions } from './define-failures.js'

const tokenRefused = { status: 401, challenge: 'invalid_token' } as const

const library = defineFailures('LatchkeyError', {
  credentials_missing: {
    status: 401,
    challenge: null,
    message: 'This request carries no access token.',
    hint: 'Send "Authorization: Bearer <token>".',
  },
  credentials_ambiguous: {
    status: 400,
    challenge: 'invalid_request',
    message: 'The access token was sent in more than one place.',
    hint: 'Send it once: RFC 6750 §2 allows one method per request.',
  },
  credentials_malformed: {
    status: 400,
    challenge: 'invalid_request',
    message: 'The credentials of this request cannot be read.',
    hint: 'Send "Authorization: Bearer <token>" with one token and nothing after it.',
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
    message: 'The token header carries a parameter that is never accepted.',
    hint: 'Issue tokens without crit, b64, jku, jwk, x5u, x5c and zip.',
  },
  algorithm_refused: {
    ...tokenRefused,
    message: 'The token is not signed with the algorithm of its key.',
    hint: 'The algorithm is fixed with the key; issue the token with that one.',
  },
  type_mismatch: {
    ...tokenRefused,
    message: 'The token is not an access token.',
    hint: 'Send a token whose header says typ "at+jwt" (RFC 9068 §2.1).',
  },
  kid_unknown: {
    ...tokenRefused,
    message: 'The token names no key that this verifier has.',
    hint: 'Sign in again; tokens of other issuers need the kid of their key.',
  },
  signature_invalid: {
    ...tokenRefused,
    message: 'The signature of the token does not hold.',
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
    hint: 'Registered claims follow RFC 7519 §4.1.',
  },
  issuer_mismatch: {
    ...tokenRefused,
    message: 'The token comes from another issuer.',
    hint: 'Sign in with this service.',
  },
  audience_mismatch: {
    ...tokenRefused,
    message: 'The token was issued for another audience.',
    hint: 'Ask for a token for this API.',
  },
  subject_mismatch: {
    ...tokenRefused,
    message: 'The token speaks for someone other than the owner of its secret.',
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
    hint: 'Retry later, and check that the clocks agree.',
  },
  token_revoked: {
    ...tokenRefused,
    message: 'The token has been revoked.',
    hint: 'Sign in again.',
  },
  session_ended: {
    ...tokenRefused,
    message: 'The session of this token has ended.',
    hint: 'Sign in again.',
  },
  session_forged: {
    ...tokenRefused,
    message: 'The session of this token was never begun.',
    hint: 'Sign in again.',
  },
  reissue_required: {
    ...tokenRefused,
    message: 'What this token says is out of date.',
    hint: 'Refresh the session and retry; no new sign-in is needed.',
  },
  tenant_disabled: {
    ...tokenRefused,
    message: 'This account is disabled.',
    hint: 'Ask an administrator.',
  },
  insufficient_scope: {
    status: 403,
    challenge: 'insufficient_scope',
    message: 'The caller does not have the scope that this needs.',
    hint: 'Ask for a token with the scope that the WWW-Authenticate challenge names.',
  },
  insufficient_role: {
    status: 403,
    message: 'The caller does not have the role that this needs.',
    hint: 'Ask an administrator for the role.',
  },
  grants_changed: {
    ...tokenRefused,
    message: 'What the caller may do has changed since this connection was opened.',
    hint: 'Connect again: the token still holds.',
  },
  tenant_unknown: {
    status: 404,
    message: 'There is no such tenant.',
    hint: 'Check the ID; a forgotten tenant cannot be changed.',
  },
  tenant_invalid: {
    status: 400,
    message: 'This is no usable tenant ID.',
    hint: 'Use 1 to 255 characters of well-formed text without NUL.',
  },
  tenant_inactive: {
    status: 409,
    message: 'This tenant is disabled, so that it can have no new secret.',
    hint: 'Enable it: with that it gets a new secret.',
  },
  too_many_rotations: {
    status: 409,
    message: 'This tenant already has as many verifying secrets as it may.',
    hint: 'Wait until a grace period ends, or revoke.',
  },
  store_unavailable: {
    status: 503,
    message: 'The tenant could not be checked.',
    hint: 'Retry after a moment.',
  },
  store_busy: {
    status: 503,
    message: 'Other transactions hold what this call has to change.',
    hint: 'Retry after a moment; when it stays so, look for a transaction that is left open.',
  },
  feed_unheard: {
    status: 503,
    message: 'Changes that other connections announce do not reach this process.',
    hint: 'Let listenConnectionString lead to PostgreSQL itself: a pooler in transaction mode passes no notification on.',
  },
  store_closed: {
    status: 503,
    message: 'This process is stopping.',
    hint: 'Retry after a moment.',
  },
  data_corrupt: {
    status: 503,
    message: 'The data file is damaged or is no database.',
    hint: 'Keep the file, and restore a backup beside it.',
  },
  schema_too_new: {
    status: 503,
    message: 'The database was written by a newer version.',
    hint: 'Run the newer version, or restore a backup made with this one.',
  },
  schema_missing: {
    status: 503,
    message: 'The database lacks tables of this version.',
    hint: 'Call store.migrate() once before use.',
  },
  store_rights_missing: {
    status: 503,
    message: 'The role that this process uses may not do this in the database.',
    hint: 'Grant it usage of the schema, and select, insert, update and delete on the tables, which their owner migrates.',
  },
  master_key_missing: {
    status: 503,
    message: 'Stored secrets are encrypted under a master key that this process does not hold.',
    hint: 'Add that key to masterKeys; keep old keys until a rewrap is complete.',
  },
  master_key_wrong: {
    status: 503,
    message: 'A stored secret cannot be decrypted: the master key or the row is not the one it was sealed with.',
    hint: 'Check that masterKeys holds the right bytes under the right ID, and that no row was altered.',
  },
  jwks_unavailable: {
    status: 503,
    message: 'The key set of the issuer cannot be fetched at the moment.',
    hint: 'Retry after the seconds in Retry-After.',
  },
})

/** The failures of the library: what can be wrong with a token, a request or a call. */
export const failures = library.table

/** The stable name of one cause of failure. */
export type FailureCode = keyof typeof failures

/** Details of a `LatchkeyError`. */
export type LatchkeyErrorOptions = FailureOptions

/** A failure of the library, with a stable `code`. */
export const LatchkeyError = library.Error
export type LatchkeyError = FailureError<FailureCode>

/** Returns whether an error is a `LatchkeyError` of any copy of this package in the process. */
export const isLatchkeyError: (error: unknown) => error is LatchkeyError = library.is

/** Returns a `LatchkeyError` without a stack trace, which is cheaper to create. */
export const refusal: (code: FailureCode, options?: FailureOptions) => LatchkeyError = library.refusal
