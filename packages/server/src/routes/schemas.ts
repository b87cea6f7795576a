import type { Static, TSchema } from 'typebox'
import { Type } from '../http/type.js'
import type { Locale } from '../locales.js'

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const time = (description: string) => Type.String({ format: 'date-time', description })
const closed = { additionalProperties: false }

// These inputs have their own rules, which run later. The maximum length bounds the work.
export const EmailInput = Type.String({ format: 'email', minLength: 1, maxLength: 320, examples: ['ada@example.com'] })
export const PasswordInput = Type.String({
  format: 'password',
  minLength: 1,
  maxLength: 1024,
  examples: ['correct horse battery staple'],
})
export const NameInput = Type.String({ minLength: 1, maxLength: 200, examples: ['Ada Lovelace'] })

/** The characters of a scope token: visible ASCII without quote and backslash (RFC 6749 §3.3). */
const nameCharacter = '[\\x21\\x23-\\x5b\\x5d-\\x7e]'

export const Role = Type.Union([Type.Literal('user'), Type.Literal('auditor'), Type.Literal('admin')], {
  description:
    'The right of the account in this server. An auditor reads what administrators read, and changes nothing.',
})
// Roles and scope together have at most 1 KiB of JSON (`grants_too_large`).
export const RoleNames = Type.Array(Type.String({ pattern: `^${nameCharacter}{1,64}$` }), {
  maxItems: 16,
  uniqueItems: true,
  description:
    'Roles in the applications behind this server: "roles" in introspection and in tokens for ' +
    'other services (RFC 9068 §2.2.3.1).',
  examples: [['editor']],
})
/** Scopes separated by spaces (RFC 6749 §3.3), or the empty text. */
export const scopePattern = `^(${nameCharacter}+( ${nameCharacter}+)*)?$`

export const Scope = Type.String({
  maxLength: 1024,
  pattern: scopePattern,
  description:
    'Scopes in the applications behind this server, separated by spaces: "scope" in introspection ' +
    'and in tokens for other services (RFC 8693 §4.2).',
  examples: ['articles:read articles:write'],
})

/** A JSON object with any members. Its own rules check it later. */
const anyObject = (description: string) =>
  Type.Unsafe<Readonly<Record<string, unknown>>>({ type: 'object', additionalProperties: true, description })

/** A change of a profile. */
export const ProfilePatch = anyObject('Members to set; null removes a member. The profile has at most 4 KiB of JSON.')

/** A language that this server offers, or null. */
export function localeInput(offered: readonly Locale[]) {
  return Type.Unsafe<Locale | null>({
    enum: [...offered, null],
    description: 'The language of pages and letters; with null the browser or the setting decides.',
  })
}

/** The token of a mailed link: the part after "#token=". */
export const OneTimeTokenInput = Type.String({ minLength: 1, maxLength: 255 })

const mode = {
  'latchkey-mode': Type.Optional(
    Type.Literal('cookie', {
      description:
        'For pages: the tokens are in cookies that no script can read, and in no body. See docs/guides/browser.md.',
    }),
  ),
}

/** The header by which a page asks for cookies. */
export const ModeHeader = Type.Object(mode)

/** The headers of a sign-in. */
export const SignInHeaders = Type.Object({
  ...mode,
  'latchkey-device': Type.Optional(
    Type.String({ description: 'The "device_token" of an earlier login or registration on this device.' }),
  ),
})

export const Account = Type.Object(
  {
    id: Type.String({ format: 'uuid', description: 'Also the "sub" of the tokens of the account.' }),
    // Without the format "email", which allows only ASCII (RFC 5321): the part before the "@" may
    // use any script (RFC 6531).
    email: Type.String({ description: 'In canonical spelling.' }),
    email_verified: Type.Boolean({ description: 'Whether the owner has proved to receive mail at it.' }),
    name: nullable(Type.String()),
    role: Role,
    roles: RoleNames,
    scope: Scope,
    profile: anyObject('Data that applications store with the account. It grants nothing.'),
    locale: nullable(Type.String({ description: 'The language of pages and letters; null if none is stored.' })),
    created_at: time('The time of the registration.'),
  },
  { ...closed, $id: 'Account' },
)

export const ManagedAccount = Type.Object(
  {
    ...Account.properties,
    last_login_at: nullable(time('The last login; null if there was none after the registration.')),
    disabled_at: nullable(time('The time since which the account cannot sign in.')),
    second_factor: Type.Boolean({ description: 'Whether a sign-in with the password also needs a second factor.' }),
    factor_reset_at: nullable(
      time('The time when all factors of the account end, because an administrator has asked for it.'),
    ),
  },
  { ...closed, $id: 'ManagedAccount' },
)

const cookieFields = {
  expires_in: Type.Integer({ description: 'Seconds for which the access token is valid.' }),
  refresh_expires_in: Type.Integer({ description: 'Seconds for which the refresh token can be used.' }),
  session_id: Type.String({ format: 'uuid' }),
}

const tokenFields = {
  ...cookieFields,
  access_token: Type.String({ description: 'Send it as "Authorization: Bearer <access_token>".' }),
  token_type: Type.Literal('Bearer'),
  refresh_token: Type.String({ description: 'For POST /v1/refresh. Keep only the newest one.' }),
}

export const Tokens = Type.Object(tokenFields, { ...closed, $id: 'Tokens' })

export const TokensInCookies = Type.Object(cookieFields, {
  ...closed,
  $id: 'TokensInCookies',
  description: 'With "Latchkey-Mode: cookie": the tokens are in Set-Cookie headers.',
})

export const SignedInByCookies = Type.Object(
  { account: Type.Ref('Account#'), ...cookieFields },
  {
    ...closed,
    $id: 'SignedInByCookies',
    description: 'With "Latchkey-Mode: cookie": the tokens are in Set-Cookie headers.',
  },
)

export const SignedIn = Type.Object(
  {
    account: Type.Ref('Account#'),
    ...tokenFields,
    device_token: Type.Optional(
      Type.String({
        description:
          'After a login or a registration. Keep it after the session and send it as "Latchkey-Device" ' +
          'with the next login. The device then counts as known, and attempts from unknown devices ' +
          'do not delay its logins.',
      }),
    ),
  },
  { ...closed, $id: 'SignedIn' },
)

export const Accepted = Type.Object(
  { message: Type.String({ description: 'The same for every address.' }) },
  {
    ...closed,
    $id: 'Accepted',
    description: 'Accepted. If the address should get a letter, the letter is on its way.',
  },
)

export const Session = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    current: Type.Boolean({ description: 'Whether the access token of this request belongs to the session.' }),
    created_at: time('The start of the session.'),
    last_used_at: time('The last refresh.'),
    expires_at: time('The latest end of the session.'),
    device: nullable(
      Type.String({
        description: 'A short name from the user agent, which proves nothing.',
        examples: ['Firefox on Linux'],
      }),
    ),
    user_agent: nullable(Type.String()),
    address: nullable(Type.String({ description: 'The IP address that used the session last.' })),
    device_bound: Type.Boolean({
      description: 'Whether a refresh needs the device token that came with an earlier refresh.',
    }),
    grace_uses: Type.Integer({
      description:
        'How often a replaced refresh token was accepted because its successor was not used yet. ' +
        'The cause is parallel tabs, lost answers or a second client with a copy of the token.',
    }),
    grace_used_at: nullable(time('The last time of such a refresh.')),
    grace_address: nullable(Type.String({ description: 'The IP address of the last such refresh.' })),
    amr: Type.Array(Type.String(), {
      description:
        'The methods of the last authentication (RFC 8176): pwd, otp, hwk, swk, mail (a code or link by e-mail), and mfa for two factors.',
    }),
    acr: Type.Union([Type.Literal('aal1'), Type.Literal('aal2')], {
      description: 'The level of that authentication (NIST SP 800-63B-4): aal2 with two factors.',
    }),
    auth_time: nullable(time('The last authentication: the sign-in, or a later step-up.')),
    impersonated: Type.Boolean({ description: 'Whether an administrator acts in the session, instead of its owner.' }),
  },
  { ...closed, $id: 'Session' },
)

/** The name of a factor. */
export const FactorNameInput = Type.String({ minLength: 1, maxLength: 100, examples: ['Phone'] })

/** A code of the second step in any spelling that people use. */
export const CodeInput = Type.String({ minLength: 1, maxLength: 64, examples: ['287082'] })

/** The recovery codes of an account. */
export const RecoveryCodes = Type.Array(Type.String(), {
  description: 'Each one signs in once instead of another factor. Shown only once: the server stores hashes.',
})

export const Factor = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    kind: Type.Enum(['totp', 'passkey'], { description: 'totp: an authenticator app.' }),
    name: Type.String({ description: 'The name that the owner has chosen.' }),
    created_at: time('The time of its addition.'),
    last_used_at: nullable(time('The time of its last use.')),
    exposed: Type.Boolean({
      description: 'Whether its secret may have leaked with a master key. Remove the factor then, and add it again.',
    }),
  },
  { ...closed, $id: 'Factor' },
)

export const Sessions = Type.Object({ sessions: Type.Array(Type.Ref('Session#')) }, { ...closed, $id: 'Sessions' })

/** The ID of an application in a path. */
export const applicationIdPattern = '^[A-Za-z0-9_-]{22}$'

/** A service that received tokens in the name of an account. */
export const Application = Type.Object(
  {
    id: Type.String({ pattern: applicationIdPattern }),
    audience: Type.String({ description: 'The service, by its name in LATCHKEY_SERVICE_AUDIENCES.' }),
    first_used_at: Type.String({ format: 'date-time' }),
    last_used_at: Type.String({ format: 'date-time', description: 'To within ten minutes.' }),
    sessions: Type.Array(Type.String({ format: 'uuid' }), { description: 'The sessions in which it received them.' }),
  },
  closed,
)

export const Problem = Type.Object(
  {
    type: Type.String({ description: 'urn:latchkey:problem:<code>' }),
    title: Type.String({ description: 'The reason, for people.' }),
    status: Type.Integer(),
    code: Type.String({ description: 'The reason, for programs. A code is never renamed.' }),
    hint: Type.String({ description: 'The next step, for people.' }),
    request_id: Type.String({ description: 'Also in the X-Request-Id header, and in the log.' }),
    errors: Type.Optional(
      Type.Array(Type.Object({ field: Type.String(), message: Type.String() }, closed), {
        description: 'With validation_failed and profile_invalid: each invalid field.',
      }),
    ),
    reasons: Type.Optional(
      Type.Array(Type.String(), { description: 'With not_ready: the parts that are not available.' }),
    ),
    error: Type.Optional(Type.String({ description: 'At the OAuth endpoints: the code of RFC 6749 §5.2.' })),
    error_description: Type.Optional(Type.String()),
    device_token: Type.Optional(
      Type.String({
        description:
          'With device_confirmation_required and second_factor_required, unless the token is in a ' +
          'cookie: send it as "Latchkey-Device" from now on.',
      }),
    ),
    challenge_token: Type.Optional(
      Type.String({ description: 'With second_factor_required: for POST /v1/login/second-factor.' }),
    ),
    expires_in: Type.Optional(
      Type.Integer({ description: 'With second_factor_required: seconds for the second step.' }),
    ),
    passkey_options: Type.Optional(
      anyObject('With second_factor_required: the options of navigator.credentials.get, for the method passkey.'),
    ),
    max_age: Type.Optional(
      Type.Integer({ description: 'With recent_authentication_required: the seconds since the authentication.' }),
    ),
    acr: Type.Optional(Type.String({ description: 'With recent_authentication_required: the required level.' })),
    methods: Type.Optional(
      Type.Array(Type.String(), {
        description: 'The methods that the account can use: "password", "passkey", "totp" and "recovery_code".',
      }),
    ),
  },
  { ...closed, $id: 'Problem', description: 'A refusal (RFC 9457).' },
)

/** The answer to a sign-in. */
export const EitherSignedIn = Type.Union([Type.Ref('SignedIn#'), Type.Ref('SignedInByCookies#')])

/** The answer to a refresh. */
export const EitherTokens = Type.Union([Type.Ref('Tokens#'), Type.Ref('TokensInCookies#')])

/** The ways to send an access token. */
export const byToken = [{ bearer: [] }, { cookie: [] }]

/** The schemas that the app registers, so that routes can refer to them by name. */
export const sharedSchemas = [
  Account,
  ManagedAccount,
  Tokens,
  TokensInCookies,
  SignedIn,
  SignedInByCookies,
  Accepted,
  Session,
  Sessions,
  Factor,
  Problem,
]

/** An ID in the spelling of all answers. */
export const IdInput = Type.String({ format: 'uuid', pattern: '^[0-9a-f-]{36}$' })

/** The ID of an account or a session in a path. */
export const IdParams = Type.Object({ id: IdInput })

/** The ID that sorts before all others. */
export const firstId = '00000000-0000-0000-0000-000000000000'

/** The query of a page of a list. */
export const pageQuery = {
  limit: Type.Integer({ minimum: 1, maximum: 100, default: 50, description: 'The maximum number of entries.' }),
  cursor: Type.Optional({ ...IdInput, description: 'The "next_cursor" of the previous page.' }),
}

export type AccountAnswer = Static<typeof Account>
export type ManagedAccountAnswer = Static<typeof ManagedAccount>
export type SessionAnswer = Static<typeof Session>
export type ApplicationAnswer = Static<typeof Application>
export type FactorAnswer = Static<typeof Factor>
