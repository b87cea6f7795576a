import {
  createLatchkey,
  type Grants,
  isLatchkeyError,
  type KeySource,
  type Latchkey,
  type SecretRecord,
} from 'latchkey'
import { parseRefreshToken } from 'latchkey/sessions'
import { findAccount } from '../accounts/account-table.js'
import { findClient } from '../clients/client-table.js'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import { findSession, type Session } from '../sessions/session-table.js'
import { adviceOn, checksOf, isSigned, type TokenCheck, type TokenRefusal } from './token-checks.js'

type Members = Readonly<Record<string, unknown>>

/** The kinds of tokens. `unknown`: no token of this server. */
export const tokenKinds = ['access_token', 'service_token', 'refresh_token', 'unknown'] as const

/** The kind of a token. */
export type TokenKind = (typeof tokenKinds)[number]

/**
 * The decoded token and the verdict of this server. It leaves the signature out, so that the token
 * cannot be rebuilt from it.
 */
export interface Inspection {
  readonly kind: TokenKind
  /** Whether this server, or for a service token its services, accepts the token now. */
  readonly accepted: boolean
  /** The reason of the refusal; `null` for an accepted token. */
  readonly refusal: TokenRefusal | null
  /** The checks in their order; none for a refresh token and for other text. */
  readonly checks: readonly TokenCheck[]
  /** Whether the owner of the key has signed the claims. Otherwise their author is unknown. */
  readonly isVerified: boolean
  /** The stored grants of the tenant, narrowed by the token; `null` for a refused token. */
  readonly grants: Grants | null
  /** The decoded header, genuine or not; `null` if it cannot be decoded. */
  readonly header: Members | null
  /** The decoded claims, genuine or not; `null` if they cannot be decoded. They grant no right. */
  readonly claims: Members | null
  /** The times in the claims, in milliseconds since 1970; `null` where a claim is no date. */
  readonly times: TokenTimes
  /** The stored secret that the `kid` names; `null` if there is none. */
  readonly secret: InspectedSecret | null
  /** The stored account or client whose secret the `kid` names, or that a signed `sub` names. */
  readonly owner: TokenOwner | null
  /** The stored session that a signed `sid` names; `null` if it is not known any more. */
  readonly session: Session | null
  /** The time of this server, in milliseconds since 1970. */
  readonly checkedAt: number
}

/** The times of a token. */
export interface TokenTimes {
  readonly issuedAt: number | null
  readonly notBefore: number | null
  readonly expiresAt: number | null
}

/** The public facts about a tenant secret. */
export interface InspectedSecret
  extends Pick<SecretRecord, 'generation' | 'createdAt' | 'retiresAt' | 'reissueRequired'> {
  /** The ID of the account or client that owns the secret. */
  readonly tenant: string
  readonly isDisabled: boolean
  /** `active`: it signs. `in_grace`: it only verifies. `ended`: neither. */
  readonly state: 'active' | 'in_grace' | 'ended'
}

/** The owner of a token. */
export interface TokenOwner {
  readonly kind: 'account' | 'client'
  readonly id: string
  /** The address of the account, or the name of the client. */
  readonly label: string
  readonly name: string | null
  readonly isDisabled: boolean
}

const maxLength = 8192

/** The form of the key IDs of tenant secrets. */
const kidForm = /^[A-Za-z0-9_-]{32}$/

/** Tokens for other services are valid for at most this time. */
const serviceTokenTtlSec = 300

const noTimes: TokenTimes = { issuedAt: null, notBefore: null, expiresAt: null }

/** Explains tokens to administrators, for support. It neither stores nor logs a token. */
export class TokenInspector {
  readonly #core: Pick<Core, 'store' | 'clock'>
  readonly #verifiers: Readonly<Record<'access_token' | 'service_token', Pick<Latchkey, 'verify'>>>

  /** `latchkey` verifies access tokens; `serviceKeys` sign tokens for other services. */
  constructor(
    core: Pick<Core, 'store' | 'clock'>,
    { latchkey, serviceKeys: keys }: { readonly latchkey: Latchkey; readonly serviceKeys: KeySource },
    { issuer, serviceAudiences }: Pick<Configuration, 'issuer' | 'serviceAudiences'>,
  ) {
    const { clock } = core
    const options = { issuer, audience: [...serviceAudiences], keys, clock, accessTokenTtl: serviceTokenTtlSec }
    this.#core = core
    this.#verifiers = { access_token: latchkey, service_token: createLatchkey({ ...options, tokenCache: false }) }
  }

  /**
   * Decodes a token and reports whether it is accepted, by which checks, and why not.
   *
   * @throws LatchkeyError only with a status of 500 or more, such as `store_unavailable`
   */
  async inspect(token: string): Promise<Inspection> {
    const checkedAt = this.#core.clock.now()
    if (!token.includes('.')) return undecoded(token, checkedAt)
    const [header, claims] = token.length > maxLength ? [] : token.split('.').map(membersOf)
    const kind = header?.alg === 'ES256' ? 'service_token' : 'access_token'
    const { refusal, grants } = await this.#verdict(kind, token)
    const isVerified = isSigned(refusal)
    const kid = typeof header?.kid === 'string' && kidForm.test(header.kid) ? header.kid : undefined
    // A forged key ID costs no read (C2).
    const secret =
      kind === 'service_token' || kid === undefined || refusal?.code === 'kid_unknown'
        ? null
        : await this.#findSecret(kid, checkedAt)
    return {
      kind,
      accepted: refusal === null,
      refusal,
      checks: checksOf(refusal, kind),
      isVerified,
      grants,
      header: header ?? null,
      claims: claims ?? null,
      times: claims === undefined ? noTimes : timesOf(claims),
      secret,
      owner: await this.#findOwner(secret?.tenant ?? (isVerified ? claims?.sub : undefined)),
      session: await this.#findSession(isVerified ? claims?.sid : undefined),
      checkedAt,
    }
  }

  async #verdict(
    kind: 'access_token' | 'service_token',
    token: string,
  ): Promise<Pick<Inspection, 'refusal' | 'grants'>> {
    try {
      const { grants } = await this.#verifiers[kind].verify(token)
      return { refusal: null, grants }
    } catch (error) {
      if (!isLatchkeyError(error) || error.status >= 500) throw error
      const { code, message, hint } = error
      return { refusal: { code, message, hint: adviceOn({ code, hint }) }, grants: null }
    }
  }

  async #findSecret(kid: string, nowMs: number): Promise<InspectedSecret | null> {
    const owner = (await this.#core.store.readByKid([kid])).get(kid)
    const secret = owner?.secrets.find((candidate) => candidate.kid === kid)
    if (owner === undefined || secret === undefined) return null
    const { generation, createdAt, retiresAt, reissueRequired } = secret
    const isDisabled = owner.disabledAt !== null
    const state = retiresAt === null ? 'active' : nowMs < retiresAt ? 'in_grace' : 'ended'
    return { tenant: owner.tenant, isDisabled, generation, createdAt, retiresAt, reissueRequired, state }
  }

  async #findOwner(id: unknown): Promise<TokenOwner | null> {
    if (typeof id !== 'string') return null
    const { store } = this.#core
    const account = await findAccount(store, id)
    if (account !== undefined) {
      const { email: label, name, disabledAt } = account
      return { kind: 'account', id, label, name, isDisabled: disabledAt !== null }
    }
    const client = await findClient(store, id)
    return client === undefined
      ? null
      : { kind: 'client', id, label: client.name, name: null, isDisabled: client.disabledAt !== null }
  }

  async #findSession(id: unknown): Promise<Session | null> {
    return typeof id === 'string' ? ((await findSession(this.#core.store, id)) ?? null) : null
  }
}

/** Returns what a text without a dot is. A refresh token is named, and not decoded. */
function undecoded(token: string, checkedAt: number): Inspection {
  const isRefreshToken = parseRefreshToken(token) !== undefined
  const refusal = isRefreshToken
    ? {
        code: 'token_malformed',
        message: 'This has the form of a refresh token. APIs do not accept it.',
        hint:
          'Applications exchange it at POST /v1/refresh. Its holder can act as its owner: if it was shared, end the ' +
          'session of the owner.',
      }
    : {
        code: 'token_malformed',
        message: 'This is no token that this server issues: an access token has three parts with a dot between.',
        hint: 'Copy the whole token. If the text is another secret, replace that secret.',
      }
  return {
    kind: isRefreshToken ? 'refresh_token' : 'unknown',
    accepted: false,
    refusal,
    checks: [],
    isVerified: false,
    grants: null,
    header: null,
    claims: null,
    times: noTimes,
    secret: null,
    owner: null,
    session: null,
    checkedAt,
  }
}

function timesOf({ iat, nbf, exp }: Members): TokenTimes {
  return { issuedAt: dateOf(iat), notBefore: dateOf(nbf), expiresAt: dateOf(exp) }
}

/** Returns the date of a claim (RFC 7519 §2, NumericDate) in milliseconds. */
function dateOf(value: unknown): number | null {
  const ms = typeof value === 'number' ? value * 1000 : Number.NaN
  return Math.abs(ms) <= 8.64e15 ? ms : null
}

function membersOf(segment: string): Members | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(segment, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : undefined
  } catch {
    return undefined
  }
}
