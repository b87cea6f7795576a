import { isUniqueViolation, type SqlClient } from 'latchkey/sql'
import type { Configuration, PasskeyConfiguration } from '../config/configuration.js'
import type { Core } from '../core.js'
import { newToken } from '../random-token.js'
import type { AuthMethod } from '../sessions/auth-methods.js'
import { uuidV7 } from '../uuid.js'
import type { Challenges, IssuedChallenge } from './challenges.js'
import { passkeyAlgorithms } from './cose-key.js'
import { checkRoomForFactor, type Factor, findPasskey, insertFactor, listFactors, recordUse } from './factor-table.js'
import { factorFailures } from './failures.js'
import { encodePasskeyData, passkeyDataOf } from './passkey-data.js'
import {
  type Expected,
  loadLibrary,
  type NewPasskey,
  type PasskeyAssertion,
  type VerifiedPasskey,
  verifyAssertion,
  verifyRegistration,
} from './webauthn.js'

/** The purposes of challenges that a passkey of an account signs. */
export type AssertionPurpose = 'passkey_sign_in' | 'passkey_step_up'

/** The reference to a passkey (`PublicKeyCredentialDescriptorJSON`). */
interface PasskeyReference {
  readonly type: 'public-key'
  readonly id: string
  readonly transports: string[]
}

/** The options of `navigator.credentials.get` (`PublicKeyCredentialRequestOptionsJSON`). */
export interface AssertionOptions {
  readonly challenge: string
  readonly timeout: number
  readonly rpId: string
  /** Empty if the user chooses among all passkeys of the RP ID. */
  readonly allowCredentials: PasskeyReference[]
  readonly userVerification: 'required'
}

/** The options of `navigator.credentials.create` (`PublicKeyCredentialCreationOptionsJSON`). */
export interface RegistrationOptions {
  readonly rp: { readonly id: string; readonly name: string }
  readonly user: { readonly id: string; readonly name: string; readonly displayName: string }
  readonly challenge: string
  readonly pubKeyCredParams: { readonly type: 'public-key'; readonly alg: number }[]
  readonly timeout: number
  readonly excludeCredentials: PasskeyReference[]
  readonly authenticatorSelection: {
    readonly residentKey: 'required'
    readonly requireResidentKey: true
    readonly userVerification: 'required'
  }
  readonly attestation: 'none'
}

/** A challenge with its options for the browser. */
export interface BegunCeremony<Options> extends IssuedChallenge {
  readonly options: Options
}

/** The account that a passkey is made for. */
export interface PasskeyOwner {
  readonly id: string
  readonly email: string
  readonly name: string | null
}

/** The answer to a challenge of a session. */
export interface AnsweredChallenge {
  readonly purpose: AssertionPurpose
  readonly accountId: string
  readonly sessionId: string
  readonly challengeToken: string
  readonly passkey: PasskeyAssertion
}

/** The bounds of an assertion. */
export interface AssertionBounds {
  /** The account whose passkey it must be. Without it, the user handle names the account. */
  readonly accountId?: string
  /** The address of the client, for the audit log. */
  readonly address?: string
}

/** An assertion that is right, and whose use is not recorded yet. */
export interface CheckedAssertion {
  readonly factor: Factor
  /** The data of the factor after the use. */
  readonly data: string
  /** The methods that the assertion proves (RFC 8176). */
  readonly methods: readonly AuthMethod[]
}

/** The lifetime of a challenge in seconds; WebAuthn Level 3 §15.1 recommends five minutes. */
const challengeTtlSec = 300

/**
 * A public key without an owner: the generator of P-256 (SEC 2 §2.4.1). Signatures of unknown
 * passkeys are checked with it, so that the answer takes as long as that to a wrong signature.
 */
const unownedKey = Buffer.from(
  'a5010203262001' +
    '2158206b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296' +
    '2258204fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
  'hex',
).toString('base64url')

/**
 * Passkeys of accounts: credentials of WebAuthn Level 3 that authenticators can find without a name
 * (resident keys), and that verify the user. A use therefore proves two factors.
 */
export class Passkeys {
  readonly #core: Pick<Core, 'clock' | 'audit'>
  readonly #challenges: Challenges
  readonly #relyingParty: PasskeyConfiguration

  constructor(
    core: Pick<Core, 'clock' | 'audit'>,
    { challenges }: { readonly challenges: Challenges },
    { passkeys }: Pick<Configuration, 'passkeys'>,
  ) {
    this.#core = core
    this.#challenges = challenges
    this.#relyingParty = passkeys
  }

  /**
   * Issues a challenge that a passkey of the account signs; with the account `null`, the passkey of
   * any account. `client`: the store, or a transaction of the caller.
   */
  async begin(
    client: SqlClient,
    purpose: AssertionPurpose,
    { accountId, sessionId }: { readonly accountId: string | null; readonly sessionId: string | null },
  ): Promise<BegunCeremony<AssertionOptions>> {
    const options = await this.request(client, accountId)
    const data = { challenge: options.challenge }
    const issued = await this.#challenges.issue(client, { purpose, accountId, sessionId, data }, challengeTtlSec)
    return { ...issued, options }
  }

  /**
   * Returns options with a new challenge, which the caller stores with a step of its own, for
   * `verify`.
   */
  async request(client: SqlClient, accountId: string | null): Promise<AssertionOptions> {
    // The answer of a known account is checked in a transaction, which must not wait for the library.
    if (accountId !== null) loadLibrary().catch(() => {})
    return {
      challenge: newToken(),
      timeout: challengeTtlSec * 1000,
      rpId: this.#relyingParty.rpId,
      allowCredentials: accountId === null ? [] : await referencesOf(client, accountId),
      userVerification: 'required',
    }
  }

  /** Issues a challenge for a new passkey of the account, which one of its sessions asks for. */
  async beginRegistration(
    client: SqlClient,
    { id: accountId, email, name }: PasskeyOwner,
    sessionId: string,
  ): Promise<BegunCeremony<RegistrationOptions>> {
    const { rpId } = this.#relyingParty
    const challenge = newToken()
    const options: RegistrationOptions = {
      rp: { id: rpId, name: rpId },
      user: { id: userHandleOf(accountId), name: email, displayName: name ?? email },
      challenge,
      pubKeyCredParams: passkeyAlgorithms.map((alg) => ({ type: 'public-key', alg })),
      timeout: challengeTtlSec * 1000,
      excludeCredentials: await referencesOf(client, accountId),
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
      attestation: 'none',
    }
    const begun = { purpose: 'passkey_add', accountId, sessionId, data: { challenge } } as const
    return { ...(await this.#challenges.issue(client, begun, challengeTtlSec)), options }
  }

  /**
   * Returns the new passkey if its authenticator has signed the challenge.
   *
   * @throws Problem `passkey_refused`
   */
  async checkRegistration(challenge: string, passkey: NewPasskey): Promise<VerifiedPasskey> {
    const verified = await verifyRegistration(passkey, this.#expected(challenge))
    if (verified === undefined) throw refusal()
    return verified
  }

  /**
   * Stores a checked passkey in the caller's transaction, which has locked the account.
   *
   * @throws Problem `factor_limit`, `passkey_taken`
   */
  async add(
    client: SqlClient,
    { credentialId, data }: VerifiedPasskey,
    { accountId, name }: Pick<Factor, 'accountId' | 'name'>,
  ): Promise<Factor> {
    await checkRoomForFactor(client, accountId)
    const nowMs = this.#core.clock.now()
    const factor: Factor = {
      id: uuidV7(nowMs),
      accountId,
      kind: 'passkey',
      name,
      credentialId,
      data: encodePasskeyData(data),
      createdAt: nowMs,
      // The authenticator has just shown that it has the key and verifies the user.
      confirmedAt: nowMs,
      lastUsedAt: null,
    }
    try {
      await insertFactor(client, factor)
      return factor
    } catch (error) {
      if (isUniqueViolation(error)) throw factorFailures.refusal('passkey_taken')
      throw error
    }
  }

  /**
   * Redeems a challenge that `begin` has issued for the same account and session, and verifies its
   * answer, in the caller's transaction.
   *
   * @throws Problem `challenge_invalid`, `passkey_refused`
   */
  async answer(
    client: SqlClient,
    { purpose, accountId, sessionId, challengeToken, passkey }: AnsweredChallenge,
    address?: string,
  ): Promise<CheckedAssertion> {
    const challenge = await this.#challenges.redeem(client, challengeToken, purpose)
    const isOwn = challenge.accountId === accountId && challenge.sessionId === sessionId
    if (!isOwn) throw factorFailures.refusal('challenge_invalid')
    const bounds = { accountId, ...(address === undefined ? {} : { address }) }
    return this.verify(client, challenge.data.challenge, passkey, bounds)
  }

  /**
   * Checks an assertion and records its use, in the caller's transaction or on the store.
   * `challenge`: the challenge in base64url, which the caller has redeemed.
   *
   * @throws Problem `passkey_refused`
   */
  async verify(
    client: SqlClient,
    challenge: string,
    assertion: PasskeyAssertion,
    bounds: AssertionBounds = {},
  ): Promise<CheckedAssertion> {
    const checked = await this.check(client, challenge, assertion, bounds)
    if (!(await this.record(client, checked))) throw refusal()
    return checked
  }

  /**
   * Checks an assertion without recording its use. The work and the refusal are the same for an
   * unknown passkey and for a wrong signature.
   *
   * @throws Problem `passkey_refused`
   */
  async check(
    client: SqlClient,
    challenge: string,
    assertion: PasskeyAssertion,
    { accountId, address }: AssertionBounds = {},
  ): Promise<CheckedAssertion> {
    const factor = await findPasskey(client, assertion.id)
    const stored = factor && passkeyDataOf(factor)
    const verified = await verifyAssertion(assertion, stored?.publicKey ?? unownedKey, this.#expected(challenge))
    if (factor === undefined || stored === undefined || verified === undefined) throw refusal()
    const isOwners = accountId === undefined || accountId === factor.accountId
    const isNamed = isHandleRight(assertion, factor, { mustBePresent: accountId === undefined })
    if (!isOwners || !isNamed || verified.deviceType !== stored.deviceType) throw refusal()
    if (!isCounterRight(stored.counter, verified.counter)) throw this.#refuseClone(factor, address)
    const { counter, backedUp } = verified
    return {
      factor,
      data: encodePasskeyData({ ...stored, counter, backedUp }),
      methods: [stored.deviceType === 'multi' ? 'swk' : 'hwk', 'mfa'],
    }
  }

  /**
   * Records the use of a passkey. Returns `false` if it was deleted or used meanwhile.
   * `client`: the store, or a transaction of the caller.
   */
  record(client: SqlClient, { factor, data }: CheckedAssertion): Promise<boolean> {
    return recordUse(client, factor, { data, nowMs: this.#core.clock.now() })
  }

  #expected(challenge: string): Expected {
    return { ...this.#relyingParty, challenge, requireUserVerification: true }
  }

  /** Records that two authenticators have the key of a passkey, and returns the refusal. */
  #refuseClone(factor: Factor, address: string | undefined): Error {
    const subject = { account: factor.accountId, detail: { reason: 'counter_not_increased', factor: factor.id } }
    // Not awaited: on SQLite it waits for the transaction of the caller. It never rejects.
    void this.#core.audit.countRefused('passkey_cloned', { accountId: null, address: address ?? null }, subject)
    return refusal()
  }
}

/**
 * Returns the ID of the account as a user handle (WebAuthn Level 3 §4), in base64url. It contains
 * no personal data.
 */
function userHandleOf(accountId: string): string {
  return Buffer.from(accountId.replaceAll('-', ''), 'hex').toString('base64url')
}

/** Returns the passkeys of the account, oldest first. */
async function listPasskeys(client: SqlClient, accountId: string): Promise<Factor[]> {
  return (await listFactors(client, accountId)).filter(({ kind }) => kind === 'passkey')
}

async function referencesOf(client: SqlClient, accountId: string): Promise<PasskeyReference[]> {
  return (await listPasskeys(client, accountId)).map((factor) => ({
    type: 'public-key',
    id: factor.credentialId ?? '',
    transports: [...passkeyDataOf(factor).transports],
  }))
}

/** Returns whether the user handle is that of the owner; it may be absent if the owner is known. */
function isHandleRight(
  { response: { userHandle } }: PasskeyAssertion,
  { accountId }: Factor,
  { mustBePresent }: { readonly mustBePresent: boolean },
): boolean {
  const isAbsent = userHandle === undefined || userHandle === null || userHandle === ''
  return isAbsent ? !mustBePresent : userHandle === userHandleOf(accountId)
}

/** A counter must grow unless the authenticator has none (WebAuthn Level 3 §6.1.1). */
function isCounterRight(stored: number, received: number): boolean {
  return received > stored || (received === 0 && stored === 0)
}

function refusal() {
  return factorFailures.refusal('passkey_refused')
}
