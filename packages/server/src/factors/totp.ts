import { randomBytes } from 'node:crypto'
import { type Binding, Keyring, LatchkeyError, type StoredKey } from 'latchkey'
import type { SqlClient } from 'latchkey/sql'
import { Secret, TOTP } from 'otpauth'
import { renderSVG } from 'uqr'
import type { Core } from '../core.js'
import { uuidV7 } from '../uuid.js'
import { checkRoomForFactor, type Factor, insertFactor, listFactors, recordUse } from './factor-table.js'
import { factorFailures } from './failures.js'

/** The data of an authenticator app, as JSON in its factor. */
interface TotpData {
  /** The secret, sealed for this account and this factor. */
  readonly sealed: string
  /** The newest step whose code was used. Codes of this step and of earlier ones are refused. */
  readonly step: number
  /** The session that adds the factor; absent once it is confirmed. */
  readonly session?: string
  /** Whether the secret was sealed under a key that was replaced, because it may have leaked. */
  readonly exposed?: boolean
}

/** The names that an authenticator app shows. */
export interface TotpLabel {
  readonly issuer: string
  readonly account: string
}

/** A new authenticator app that its first code must confirm. */
export interface TotpEnrolment {
  /** The ID of the factor. */
  readonly id: string
  /** The secret in Base32, for apps without a camera. */
  readonly secret: string
  /** The `otpauth://` URI. */
  readonly uri: string
  /** The URI as a QR code, in SVG. */
  readonly qrSvg: string
}

/** The session that adds an authenticator app. */
interface Enroller {
  readonly accountId: string
  readonly sessionId: string
}

/** The parameters that every authenticator app supports (RFC 6238). */
const parameters = { algorithm: 'SHA1', digits: 6, period: 30 } as const

/** 160 bits, as RFC 4226 §4 recommends. */
const secretBytes = 20

/** The number of steps by which the clock of an app may differ. */
const drift = 1

/** The time in which a new authenticator app must be confirmed. */
const enrolmentTtlMs = 600_000

const keyId = 'factor'

/** Rows that are sealed again between two reads. */
const batchSize = 100

/**
 * Authenticator apps: time-based one-time passwords (RFC 6238). The secrets are sealed under a
 * stored key. Each code works once: its step is recorded in the statement that accepts it.
 */
export class TotpFactors {
  readonly #core: Pick<Core, 'store' | 'keys' | 'clock'>
  readonly #key: StoredKey<Keyring>

  constructor(core: Pick<Core, 'store' | 'keys' | 'clock'>, key: StoredKey<Keyring>) {
    this.#core = core
    this.#key = key
  }

  /**
   * Begins to add an authenticator app, in the caller's transaction, which has locked the account.
   * An earlier one that was not confirmed is replaced.
   *
   * @throws Problem `factor_exists`, `factor_limit`
   */
  async begin(client: SqlClient, { accountId, sessionId }: Enroller, label: TotpLabel): Promise<TotpEnrolment> {
    await this.#core.keys.ensureKeys()
    if ((await findTotp(client, accountId)) !== undefined) throw factorFailures.refusal('factor_exists')
    await checkRoomForFactor(client, accountId)
    await client.query(`delete from server_factors where account_id = $1 and kind = 'totp' and confirmed_at is null`, [
      accountId,
    ])
    const createdAt = this.#core.clock.now()
    const id = uuidV7(createdAt)
    const bytes = randomBytes(secretBytes)
    const data: TotpData = { sealed: this.#seal(bytes, { id, accountId }), step: 0, session: sessionId }
    const begun = { id, accountId, kind: 'totp', name: 'Authenticator app', credentialId: null } as const
    await insertFactor(client, { ...begun, data: JSON.stringify(data), createdAt, confirmedAt: null, lastUsedAt: null })
    const secret = secretOf(bytes)
    const uri = new TOTP({ ...parameters, issuer: label.issuer, label: label.account, secret }).toString()
    return { id, secret: secret.base32, uri, qrSvg: renderSVG(uri, { ecc: 'M', border: 4 }) }
  }

  /**
   * Confirms the authenticator app that this session has begun to add, by its first code. In the
   * caller's transaction, which has locked the account.
   *
   * @throws Problem `challenge_invalid`, `second_factor_wrong`, `factor_exists`, `factor_limit`
   */
  async confirm(client: SqlClient, { accountId, sessionId }: Enroller, code: string): Promise<Factor> {
    await this.#core.keys.ensureKeys()
    if ((await findTotp(client, accountId)) !== undefined) throw factorFailures.refusal('factor_exists')
    await checkRoomForFactor(client, accountId)
    const factors = await listFactors(client, accountId)
    const begun = factors.find(({ kind, confirmedAt }) => kind === 'totp' && confirmedAt === null)
    const isOpen = begun !== undefined && this.#core.clock.now() < begun.createdAt + enrolmentTtlMs
    if (!isOpen || dataOf(begun).session !== sessionId) throw factorFailures.refusal('challenge_invalid')
    if (!(await this.#use(client, begun, code))) throw factorFailures.refusal('second_factor_wrong')
    return begun
  }

  /**
   * Returns the authenticator app of the account if the code is one of its codes that was not used
   * before, and records the use. In the caller's transaction.
   */
  async verify(client: SqlClient, accountId: string, code: string): Promise<Factor | undefined> {
    await this.#core.keys.ensureKeys()
    const factor = await findTotp(client, accountId)
    return factor !== undefined && (await this.#use(client, factor, code)) ? factor : undefined
  }

  /**
   * Seals the secrets that are sealed under the replaced key under the current one, once no process
   * uses the replaced key. A thief of that key may know them, so that they count as exposed.
   */
  async reseal(signal: AbortSignal): Promise<void> {
    await this.#core.keys.ensureKeys()
    for (let after = ''; !signal.aborted; ) {
      const { rows } = await this.#core.store.query<Pick<Factor, 'id'>>(
        `select id from server_factors where kind = 'totp' and id > $1 order by id limit ${batchSize}`,
        [after],
      )
      if (rows.length === 0) return
      for (const { id } of rows) await this.#resealOne(id)
      after = rows.at(-1)?.id ?? after
    }
  }

  /** Repeats until no use of the factor has changed it in between. */
  async #resealOne(id: string): Promise<void> {
    const { store } = this.#core
    for (;;) {
      const { rows } = await store.query<Pick<Factor, 'id' | 'accountId' | 'data'>>(
        'select id, account_id as "accountId", data from server_factors where id = $1',
        [id],
      )
      const [factor] = rows
      if (factor === undefined || opened(this.#key.current, factor) !== undefined) return
      const sealed = this.#seal(this.#open(factor), factor)
      const data = JSON.stringify({ ...dataOf(factor), sealed, exposed: true })
      const changed = await store.query(
        'update server_factors set data = $3 where id = $1 and data = $2 returning id',
        [id, factor.data, data],
      )
      if (changed.rows.length === 1) return
    }
  }

  /** Records the use of a code that matches a step after the newest used one. */
  async #use(client: SqlClient, factor: Factor, code: string): Promise<boolean> {
    const { session: _, ...data } = dataOf(factor)
    const nowMs = this.#core.clock.now()
    const step = matchingStep(this.#open(factor), code, nowMs)
    if (step === undefined || !(step > data.step)) return false
    return recordUse(client, factor, { data: JSON.stringify({ ...data, step }), nowMs })
  }

  #seal(secret: Uint8Array, factor: Pick<Factor, 'id' | 'accountId'>): string {
    return this.#key.current.seal(secret, bindingOf(factor)).sealed
  }

  #open(factor: Pick<Factor, 'id' | 'accountId' | 'data'>): Buffer {
    const { accepted, replaced, isReplacing } = this.#key
    const keyrings = isReplacing && replaced !== undefined ? [...accepted, replaced] : accepted
    for (const keyring of keyrings) {
      const secret = opened(keyring, factor)
      if (secret !== undefined) return secret
    }
    throw new LatchkeyError('master_key_wrong')
  }
}

/** Returns the keyring that seals the secrets of authenticator apps. */
export function factorKeyring(key: Uint8Array): Keyring {
  return Keyring.parse(`${keyId}:${Buffer.from(key).toString('base64url')}`)
}

/**
 * Returns the step whose code this is; `undefined` if it is none of the current step and of those
 * within the drift.
 */
export function matchingStep(secret: Uint8Array, code: string, nowMs: number): number | undefined {
  const token = code.replaceAll(/\s/g, '')
  if (!/^[0-9]{6}$/.test(token)) return undefined
  const delta = TOTP.validate({ ...parameters, token, secret: secretOf(secret), timestamp: nowMs, window: drift })
  return delta === null ? undefined : TOTP.counter({ period: parameters.period, timestamp: nowMs }) + delta
}

/** Returns whether the secret of an authenticator app may have leaked with a replaced key. */
export function isExposed({ kind, data }: Pick<Factor, 'kind' | 'data'>): boolean {
  return kind === 'totp' && dataOf({ data }).exposed === true
}

async function findTotp(client: SqlClient, accountId: string): Promise<Factor | undefined> {
  const factors = await listFactors(client, accountId)
  return factors.find(({ kind, confirmedAt }) => kind === 'totp' && confirmedAt !== null)
}

function secretOf(bytes: Uint8Array): Secret {
  // A copy, because a small buffer shares its memory with others.
  return new Secret({ buffer: Uint8Array.from(bytes).buffer })
}

function dataOf({ data }: Pick<Factor, 'data'>): TotpData {
  // Only this file writes it.
  return JSON.parse(data) as TotpData
}

function bindingOf({ id, accountId }: Pick<Factor, 'id' | 'accountId'>): Binding {
  return ['totp', accountId, id]
}

/** Returns the secret, or `undefined` if it is not sealed under this key. */
function opened(keyring: Keyring, factor: Pick<Factor, 'id' | 'accountId' | 'data'>): Buffer | undefined {
  try {
    return keyring.open({ masterKeyId: keyId, sealed: dataOf(factor).sealed }, bindingOf(factor))
  } catch {
    return undefined
  }
}
