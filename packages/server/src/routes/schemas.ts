import type { Static, TSchema } from 'typebox'
import { Type } from '../http/type.js'

/** Shapes that more than one route uses; under these names they stand in `/openapi.json`. */

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const time = (description: string) => Type.String({ format: 'date-time', description })
const closed = { additionalProperties: false }

/** Text of a request that is judged by its own rules later; the bound keeps the work bounded. */
export const EmailInput = Type.String({ format: 'email', minLength: 1, maxLength: 320, examples: ['ada@example.com'] })
export const PasswordInput = Type.String({
  format: 'password',
  minLength: 1,
  maxLength: 1024,
  examples: ['correct horse battery staple'],
})
export const NameInput = Type.String({ minLength: 1, maxLength: 200, examples: ['Ada Lovelace'] })

/** Visible ASCII without the quote and the backslash, as scope tokens are made (RFC 6749 §3.3). */
const nameCharacter = '[\\x21\\x23-\\x5b\\x5d-\\x7e]'

export const Role = Type.Union([Type.Literal('user'), Type.Literal('admin')], {
  description: 'What the account may do here.',
})
// All together have at most 1 KiB of JSON (`grants_too_large`).
export const RoleNames = Type.Array(Type.String({ pattern: `^${nameCharacter}{1,64}$` }), {
  maxItems: 16,
  uniqueItems: true,
  description:
    'Roles in the applications behind: "roles" in introspection and in tokens for other services (RFC 9068 §2.2.3.1).',
  examples: [['editor']],
})
/** Scopes with a space between (RFC 6749 §3.3), or none. */
export const scopePattern = `^(${nameCharacter}+( ${nameCharacter}+)*)?$`

export const Scope = Type.String({
  maxLength: 1024,
  pattern: scopePattern,
  description:
    'Scopes in the applications behind, with a space between: "scope" in introspection and in tokens for other services (RFC 8693 §4.2).',
  examples: ['articles:read articles:write'],
})

/** A JSON object of any members; what it may hold is judged by its own rules. */
const anyObject = (description: string) =>
  Type.Unsafe<Readonly<Record<string, unknown>>>({ type: 'object', additionalProperties: true, description })

/** A change of a profile. */
export const ProfilePatch = anyObject('Members to set; null removes one. The profile has at most 4 KiB of JSON.')

/** The token of a mailed link: what stands behind "#token=". */
export const OneTimeTokenInput = Type.String({ minLength: 1, maxLength: 255 })

const mode = {
  'latchkey-mode': Type.Optional(
    Type.Literal('cookie', {
      description:
        'The tokens come and go in cookies that no script can read, not in bodies; for pages, see docs/browser.md.',
    }),
  ),
}

/** The header by which a page asks for cookies. */
export const ModeHeader = Type.Object(mode)

/** The headers of whoever signs in. */
export const SignInHeaders = Type.Object({
  ...mode,
  'latchkey-device': Type.Optional(
    Type.String({ description: 'The "device_token" of an earlier login or registration on this device.' }),
  ),
})

export const Account = Type.Object(
  {
    id: Type.String({ format: 'uuid', description: 'Also the "sub" of its tokens.' }),
    // Not of the format "email", which knows ASCII alone (RFC 5321): what is before the "@" may be of any script (RFC 6531).
    email: Type.String({ description: 'In the one spelling under which the account is kept.' }),
    email_verified: Type.Boolean({ description: 'Whether the owner has shown to read what is mailed to it.' }),
    name: nullable(Type.String()),
    role: Role,
    roles: RoleNames,
    scope: Scope,
    profile: anyObject('What applications keep with the account. It grants nothing.'),
    created_at: time('When it was registered.'),
  },
  { ...closed, $id: 'Account' },
)

export const ManagedAccount = Type.Object(
  {
    ...Account.properties,
    last_login_at: nullable(time('The last login with the password; null when there was none since the registration.')),
    disabled_at: nullable(time('Since when it cannot sign in.')),
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
  refresh_token: Type.String({ description: 'For POST /v1/refresh. Keep only the newest.' }),
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
          'After a login or a registration. Keep it beyond the session and send it as "Latchkey-Device" with the next login: ' +
          'the device is then no stranger, and not delayed by what strangers try.',
      }),
    ),
  },
  { ...closed, $id: 'SignedIn' },
)

export const Accepted = Type.Object(
  { message: Type.String({ description: 'The same for every address.' }) },
  { ...closed, $id: 'Accepted', description: 'Taken on: if there is something to do, a letter is on its way.' },
)

export const Session = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    current: Type.Boolean({ description: 'Whether the access token of this request belongs to it.' }),
    created_at: time('When it began.'),
    last_used_at: time('When it was last refreshed.'),
    expires_at: time('When it ends at the latest.'),
    device: nullable(
      Type.String({
        description: 'What the device calls itself, in short; proof of nothing.',
        examples: ['Firefox on Linux'],
      }),
    ),
    user_agent: nullable(Type.String()),
    address: nullable(Type.String({ description: 'The IP address that used it last.' })),
    device_bound: Type.Boolean({
      description: 'Whether it can be refreshed only together with the device token that it was refreshed with before.',
    }),
    grace_uses: Type.Integer({
      description:
        'How often a replaced refresh token was honoured because its successor had not been used: parallel tabs, lost answers, or ' +
        'a second client that has a copy of the token.',
    }),
    grace_used_at: nullable(time('When that was last.')),
    grace_address: nullable(Type.String({ description: 'The IP address from which it was last.' })),
  },
  { ...closed, $id: 'Session' },
)

export const Sessions = Type.Object({ sessions: Type.Array(Type.Ref('Session#')) }, { ...closed, $id: 'Sessions' })

export const Problem = Type.Object(
  {
    type: Type.String({ description: 'urn:latchkey:problem:<code>' }),
    title: Type.String({ description: 'What is wrong, for people.' }),
    status: Type.Integer(),
    code: Type.String({ description: 'What is wrong, for programs. Never renamed.' }),
    hint: Type.String({ description: 'What to do next, for people.' }),
    request_id: Type.String({ description: 'Also in the X-Request-Id header, and in the log.' }),
    errors: Type.Optional(
      Type.Array(Type.Object({ field: Type.String(), message: Type.String() }, closed), {
        description: 'With validation_failed and profile_invalid: each field that is not as it must be.',
      }),
    ),
    reasons: Type.Optional(Type.Array(Type.String(), { description: 'With not_ready: what is away.' })),
    error: Type.Optional(Type.String({ description: 'At the endpoints of OAuth: the code of RFC 6749 §5.2.' })),
    error_description: Type.Optional(Type.String()),
    device_token: Type.Optional(
      Type.String({
        description:
          'With device_confirmation_required, unless it is in a cookie: send it as "Latchkey-Device" from now on.',
      }),
    ),
  },
  { ...closed, $id: 'Problem', description: 'A refusal (RFC 9457).' },
)

/** What whoever has signed in is given. */
export const EitherSignedIn = Type.Union([Type.Ref('SignedIn#'), Type.Ref('SignedInByCookies#')])

/** What whoever has refreshed is given. */
export const EitherTokens = Type.Union([Type.Ref('Tokens#'), Type.Ref('TokensInCookies#')])

/** Who needs an access token shows it in one of these ways. */
export const byToken = [{ bearer: [] }, { cookie: [] }]

/** What is registered with the app, so that routes can refer to it by name. */
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
  Problem,
]

/** An ID in the one spelling that answers have. */
export const IdInput = Type.String({ format: 'uuid', pattern: '^[0-9a-f-]{36}$' })

/** The ID of an account or a session in a path. */
export const IdParams = Type.Object({ id: IdInput })

/** Before every other ID. */
export const firstId = '00000000-0000-0000-0000-000000000000'

/** A page of a list. */
export const pageQuery = {
  limit: Type.Integer({ minimum: 1, maximum: 100, default: 50, description: 'At most so many.' }),
  cursor: Type.Optional({ ...IdInput, description: 'The "next_cursor" of the page before.' }),
}

export type AccountAnswer = Static<typeof Account>
export type ManagedAccountAnswer = Static<typeof ManagedAccount>
export type SessionAnswer = Static<typeof Session>
