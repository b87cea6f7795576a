/** One cause of a refusal by this server, beside those of the library (`failures` of `latchkey`). */
interface ProblemKind {
  /** HTTP status of the answer. */
  readonly status: number
  /** One sentence for people: what is wrong. Nothing that the client sent is repeated in it. */
  readonly message: string
  /** One sentence for people: what to do next. */
  readonly hint: string
  /** The `error` that RFC 6749 §5.2 and RFC 8693 §2.2.2 prescribe, where the token endpoint answers with it. */
  readonly oauthError?: OauthError
  /** The `WWW-Authenticate` challenge that goes with a 401. */
  readonly challenge?: string
  /** Other headers that go with it. */
  readonly headers?: Readonly<Record<string, string>>
}

type OauthError =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'invalid_scope'
  | 'invalid_target'
  | 'unauthorized_client'
  | 'unsupported_grant_type'

/** Everything the server itself refuses. A code is never renamed, a retired one never reused. */
export const problems = {
  validation_failed: {
    status: 400,
    message: 'The request does not have the shape that this route takes.',
    hint: 'See "errors" for each field, and /openapi.json for the whole shape.',
  },
  text_malformed: {
    status: 400,
    message: 'A text of the request holds a NUL character or half of a surrogate pair.',
    hint: 'Send well-formed Unicode without U+0000.',
  },
  body_malformed: {
    status: 400,
    message: 'The body cannot be parsed as what its content type says.',
    hint: 'Send one well-formed UTF-8 document, without members such as "__proto__".',
  },
  body_too_large: {
    status: 413,
    message: 'The body is larger than this server accepts.',
    hint: 'Send at most 64 KiB.',
  },
  unsupported_media_type: {
    status: 415,
    message: 'The body has a content type that this server does not read.',
    hint: 'Send "Content-Type: application/json".',
  },
  content_encoding_unsupported: {
    status: 415,
    message: 'The body is compressed, or encoded in another way that this server does not undo.',
    hint: 'Send it as it is, without "Content-Encoding".',
    headers: { 'Accept-Encoding': 'identity' },
  },
  request_malformed: {
    status: 400,
    message: 'This is not a well-formed HTTP request.',
    hint: 'Check the request line, the headers and the percent-encoding of the path.',
  },
  headers_too_large: {
    status: 431,
    message: 'The headers are larger than this server accepts.',
    hint: 'Send at most 16 KiB of headers.',
  },
  request_timeout: {
    status: 408,
    message: 'The request did not arrive in time.',
    hint: 'Send it again, whole.',
  },
  route_unknown: {
    status: 404,
    message: 'There is no such route.',
    hint: 'See /openapi.json for the routes.',
  },
  method_not_allowed: {
    status: 405,
    message: 'This route does not take that method.',
    hint: 'See the Allow header.',
  },
  email_invalid: {
    status: 400,
    message: 'This is no e-mail address that can be registered.',
    hint: 'Send one address such as name@example.com, with at most 254 characters.',
  },
  password_too_short: {
    status: 400,
    message: 'The password is too short.',
    hint: 'Choose a longer one; a few words will do.',
  },
  password_too_long: {
    status: 400,
    message: 'The password is too long.',
    hint: 'Choose one of at most 128 characters.',
  },
  password_common: {
    status: 400,
    message: 'The password is one of those that are tried first.',
    hint: 'Choose one that nobody else has; a few words that do not belong together will do.',
  },
  email_taken: {
    status: 409,
    message: 'There is an account with this e-mail address already.',
    hint: 'Sign in, register another address, or set a new password by mail: POST /v1/password/forgot.',
  },
  registration_closed: {
    status: 403,
    message: 'This server does not let people register in this way.',
    hint: 'Ask an administrator for an account or an invitation.',
  },
  invitation_unknown: {
    status: 404,
    message: 'There is no such invitation.',
    hint: 'List the invitations; this one may have been used, replaced or revoked, or has expired.',
  },
  invalid_credentials: {
    status: 401,
    message: 'E-mail address and password do not belong together.',
    hint: 'Check both and try again.',
  },
  account_disabled: {
    status: 403,
    message: 'This account is disabled.',
    hint: 'Ask an administrator.',
  },
  email_unverified: {
    status: 403,
    message: 'The e-mail address of this account is not verified yet.',
    hint: 'Follow the link that was mailed to it, or ask for a new one at POST /v1/email/resend.',
  },
  link_invalid: {
    status: 400,
    message: 'This link was used before, has expired, or was replaced by a newer one.',
    hint: 'Use the link of the newest letter, or ask for a new one.',
  },
  mail_unavailable: {
    status: 503,
    message: 'This server does not send mail.',
    hint: 'Ask the operator, who can set LATCHKEY_SMTP_URL.',
  },
  password_wrong: {
    status: 403,
    message: 'The password is not the one of this account.',
    hint: 'Send the current password of the account.',
  },
  password_required: {
    status: 400,
    message: 'This change needs the password of the account.',
    hint: 'Send it as "password" along with the change.',
  },
  refresh_token_invalid: {
    status: 401,
    message: 'This refresh token was not issued here, or its session is gone.',
    hint: 'Sign in again.',
  },
  refresh_token_expired: {
    status: 401,
    message: 'The session has expired.',
    hint: 'Sign in again.',
  },
  refresh_token_reused: {
    status: 401,
    message: 'This refresh token was used before, or by another client; its session has been ended for safety.',
    hint: 'Sign in again, and keep only the newest refresh token.',
  },
  refresh_token_missing: {
    status: 401,
    message: 'This request carries no refresh token.',
    hint: 'Send it as "refresh_token"; with the header "Latchkey-Mode: cookie" its cookie will do.',
  },
  csrf_refused: {
    status: 403,
    message: 'This request does not come from a page that may use the cookies of this server.',
    hint: 'Send it by fetch() from a page of this origin, or of an origin in LATCHKEY_CORS_ORIGINS.',
  },
  session_unknown: {
    status: 404,
    message: 'There is no such session.',
    hint: 'List the sessions; this one may have ended.',
  },
  account_unknown: {
    status: 404,
    message: 'There is no such account.',
    hint: 'Check the ID.',
  },
  admin_required: {
    status: 403,
    message: 'Only administrators may do this.',
    hint: 'Sign in as an administrator; "latchkey admin create" makes one.',
  },
  grants_too_large: {
    status: 400,
    message: 'Roles and scope together have more than 1 KiB of JSON.',
    hint: 'Grant less, or shorter names.',
  },
  profile_invalid: {
    status: 400,
    message: 'The profile would not be as the schema of this server asks.',
    hint: 'See "errors" for each member, and ask the operator for LATCHKEY_PROFILE_SCHEMA.',
  },
  profile_too_large: {
    status: 400,
    message: 'The profile would have more than 4 KiB of JSON, or its claims more than 1 KiB.',
    hint: 'Keep less in it, and larger things in the application.',
  },
  profile_protected: {
    status: 403,
    message: 'Only administrators write this member of the profile.',
    hint: 'Leave out the members that the schema declares as readOnly.',
  },
  administrator_protected: {
    status: 403,
    message: 'No administrator makes a reset link for another one.',
    hint: 'Let its owner ask at POST /v1/password/forgot, or use "latchkey users reset-link".',
  },
  own_account: {
    status: 409,
    message: 'Administrators do not lock themselves out.',
    hint: 'Ask another administrator, or use /v1/me.',
  },
  last_administrator: {
    status: 409,
    message: 'This account is the last administrator that can sign in.',
    hint: 'Make another one first: give an account the role "admin", or run "latchkey admin create".',
  },
  rotation_running: {
    status: 409,
    message: 'A rotation of everybody is under way.',
    hint: 'Wait until it is done, or stop it.',
  },
  rotation_unknown: {
    status: 404,
    message: 'No rotation of everybody is under way.',
    hint: 'Start one.',
  },
  grant_unsupported: {
    status: 400,
    message: 'This server does not grant tokens in that way.',
    hint: 'Send grant_type=client_credentials or grant_type=urn:ietf:params:oauth:grant-type:token-exchange.',
    oauthError: 'unsupported_grant_type',
  },
  exchange_malformed: {
    status: 400,
    message: 'This is not a token exchange that the server can carry out.',
    hint: 'Send grant_type, subject_token and subject_token_type, each once; audience is optional.',
    oauthError: 'invalid_request',
  },
  subject_token_refused: {
    status: 400,
    message: 'The subject token is not a valid access token of this server.',
    hint: 'Refresh the session and exchange the new access token.',
    oauthError: 'invalid_request',
  },
  audience_refused: {
    status: 400,
    message: 'Tokens for this audience are not issued here.',
    hint: 'Ask for an audience that the operator has listed in LATCHKEY_SERVICE_AUDIENCES.',
    oauthError: 'invalid_target',
  },
  parameters_malformed: {
    status: 400,
    message: 'A parameter that this endpoint needs is missing, or one is there twice.',
    hint: 'Send each parameter once (RFC 6749 §3.2); see /openapi.json for those that are needed.',
    oauthError: 'invalid_request',
  },
  client_unauthenticated: {
    status: 401,
    message: 'The client has not shown who it is: client ID and client secret do not belong together.',
    hint: 'Send both by HTTP Basic, form-urlencoded each (RFC 6749 §2.3.1), or as client_id and client_secret.',
    oauthError: 'invalid_client',
    challenge: 'Basic realm="latchkey", charset="UTF-8"',
  },
  client_ambiguous: {
    status: 400,
    message: 'The client has sent its credentials more than once.',
    hint: 'Send them in the Authorization header or in the form, not in both (RFC 6749 §2.3).',
    oauthError: 'invalid_request',
  },
  client_disabled: {
    status: 400,
    message: 'This client is disabled.',
    hint: 'Ask an administrator.',
    oauthError: 'unauthorized_client',
  },
  scope_refused: {
    status: 400,
    message: 'The scope is malformed, or more than this client may have.',
    hint: 'Ask for scopes that the client is allowed, separated by single spaces; without "scope" it gets them all.',
    oauthError: 'invalid_scope',
  },
  introspection_refused: {
    status: 403,
    message: 'This client may not ask about tokens.',
    hint: 'Ask an administrator to set "may_introspect" of the client.',
    oauthError: 'unauthorized_client',
  },
  token_not_own: {
    status: 400,
    message: 'This token was issued to another client.',
    hint: 'A client ends its own tokens; administrators can end all of a client at once.',
    oauthError: 'invalid_grant',
  },
  client_unknown: {
    status: 404,
    message: 'There is no such client.',
    hint: 'Check the ID.',
  },
  client_rotating: {
    status: 409,
    message: 'This client has two secrets already.',
    hint: 'Wait until the older one ends, or send "grace_period": 0, which ends both and every token of the client.',
  },
  account_required: {
    status: 403,
    message: 'This route is for people: the token is that of a client, which has no account.',
    hint: 'Send the access token of a login.',
  },
  overloaded: {
    status: 503,
    message: 'Too many people sign in at the moment.',
    hint: 'Retry after the seconds in Retry-After.',
  },
  metrics_refused: {
    status: 401,
    message: 'The metrics are not for everybody.',
    hint: 'Set LATCHKEY_METRICS_TOKEN and send it as "Authorization: Bearer <token>".',
  },
  not_ready: {
    status: 503,
    message: 'The server cannot answer for its users at the moment.',
    hint: 'Retry after a moment; see "reasons".',
  },
  rate_limited: {
    status: 429,
    message: 'These are too many requests.',
    hint: 'Wait as long as Retry-After says; the RateLimit headers tell what is left before it comes to that.',
  },
  guess_delayed: {
    status: 429,
    message: 'Too many wrong passwords were tried.',
    hint: 'Wait as long as Retry-After says. Devices and networks that have signed in before do not wait for what others try.',
  },
  device_confirmation_required: {
    status: 403,
    message:
      'After many wrong passwords, a device that has not signed in to this account before must be confirmed by mail.',
    hint: 'If address and password are right, a link is on its way. Open it on this device, with its device token, and sign in again.',
  },
  device_mismatch: {
    status: 403,
    message: 'This link confirms another device than the one that has sent it.',
    hint: 'Open it on the device that is to sign in, and send the device token that its login was answered with.',
  },
  internal_error: {
    status: 500,
    message: 'Something went wrong on our side.',
    hint: 'Retry; if it stays, tell the operator the request_id.',
  },
} as const satisfies Record<string, ProblemKind>

/** The stable name of one cause of refusal. */
export type ProblemCode = keyof typeof problems

/** One field that is not as it must be. */
export interface FieldError {
  /** Where, as a JSON pointer into the part of the request, such as `body/email`. */
  readonly field: string
  /** What is wrong with it; never the value. */
  readonly message: string
}

/** What goes with a refusal. */
export interface ProblemOptions {
  readonly retryAfterSec?: number
  /** What to do, where it can be said more exactly than in general. */
  readonly hint?: string
  /** The device token under which the client should come back. */
  readonly deviceToken?: string
  /** What is wrong, member by member. */
  readonly errors?: readonly FieldError[]
  /** What lies behind it; for the log alone. */
  readonly cause?: unknown
}

/** A refusal of this server. It has no stack trace: refusing is normal work. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ProblemCode
  readonly statusCode: number
  readonly hint: string
  readonly oauthError: string | undefined
  readonly deviceToken: string | undefined
  readonly errors: readonly FieldError[] | undefined
  /** Sent along with the answer. */
  readonly headers: Readonly<Record<string, string>>

  /** `retryAfterSec`: after how many seconds it may go better. */
  constructor(code: ProblemCode, { retryAfterSec, hint, deviceToken, errors, cause }: ProblemOptions = {}) {
    const kind: ProblemKind = problems[code]
    const limit = Error.stackTraceLimit
    Error.stackTraceLimit = 0
    super(kind.message, cause === undefined ? {} : { cause })
    Error.stackTraceLimit = limit
    this.code = code
    this.statusCode = kind.status
    this.hint = hint ?? kind.hint
    this.oauthError = kind.oauthError
    this.deviceToken = deviceToken
    this.errors = errors
    this.headers = {
      ...kind.headers,
      ...(retryAfterSec === undefined ? {} : { 'Retry-After': String(retryAfterSec) }),
      ...(kind.challenge === undefined ? {} : { 'WWW-Authenticate': kind.challenge }),
    }
  }
}
