import { isUsableKey, passkeyAlgorithms } from './cose-key.js'
import type { PasskeyData } from './passkey-data.js'

/**
 * The answer of an authenticator that has made a passkey: the members of `RegistrationResponseJSON`
 * (WebAuthn Level 3 §5.1) that the server reads.
 */
export interface NewPasskey {
  readonly id: string
  readonly rawId: string
  readonly response: {
    readonly clientDataJSON: string
    readonly attestationObject: string
    readonly transports?: readonly string[]
  }
}

/**
 * The answer of an authenticator that has signed a challenge: the members of
 * `AuthenticationResponseJSON` (WebAuthn Level 3 §5.1) that the server reads.
 */
export interface PasskeyAssertion {
  readonly id: string
  readonly rawId: string
  readonly response: {
    readonly clientDataJSON: string
    readonly authenticatorData: string
    readonly signature: string
    readonly userHandle?: string | null
  }
}

/** The answer that is expected. */
export interface Expected {
  /** The challenge, in base64url. */
  readonly challenge: string
  readonly rpId: string
  readonly origins: readonly string[]
  /** Whether the authenticator must have verified the user, by a PIN or a fingerprint. */
  readonly requireUserVerification: boolean
}

/** A passkey whose registration is right. */
export interface VerifiedPasskey {
  /** In base64url. */
  readonly credentialId: string
  readonly data: PasskeyData
}

/** The facts of an assertion whose signature is right. */
export interface VerifiedAssertion extends Pick<PasskeyData, 'counter' | 'deviceType' | 'backedUp'> {}

/** The values of `AuthenticatorTransport` (WebAuthn Level 3 §5.8.4), and the older name `cable`. */
const knownTransports: readonly string[] = ['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb']

/** The longest credential ID in bytes (WebAuthn Level 3 §7.1). */
const maxCredentialIdBytes = 1023

/**
 * Returns the passkey if the answer is right in every respect (WebAuthn Level 3 §7.1), else
 * `undefined`. The attestation is not evaluated.
 */
export async function verifyRegistration(
  { id, rawId, response }: NewPasskey,
  expected: Expected,
): Promise<VerifiedPasskey | undefined> {
  const [{ verifyRegistrationResponse }, helpers] = await loadLibrary()
  return unlessRefused(async () => {
    if (isFramed(helpers.decodeClientDataJSON(response.clientDataJSON))) return undefined
    const attestationObject = withoutAttestation(helpers, response.attestationObject)
    const { registrationInfo: info } = await verifyRegistrationResponse({
      response: {
        id,
        rawId,
        type: 'public-key',
        response: { clientDataJSON: response.clientDataJSON, attestationObject },
        clientExtensionResults: {},
      },
      ...namesOf(expected),
      supportedAlgorithmIDs: [...passkeyAlgorithms],
    })
    if (info === undefined) return undefined
    const { credential } = info
    const isIdRight = credential.id === id && Buffer.from(id, 'base64url').length <= maxCredentialIdBytes
    if (!isIdRight || !isUsableKey(helpers.isoCBOR.decodeFirst(credential.publicKey))) return undefined
    return {
      credentialId: id,
      data: {
        publicKey: Buffer.from(credential.publicKey).toString('base64url'),
        counter: credential.counter,
        transports: knownTransports.filter((transport) => response.transports?.includes(transport)),
        deviceType: deviceTypeOf(info.credentialDeviceType),
        backedUp: info.credentialBackedUp,
        aaguid: info.aaguid,
      },
    }
  })
}

/**
 * Returns the facts of an assertion if it is right in every respect but the counter (WebAuthn
 * Level 3 §7.2), else `undefined`. `publicKey`: the COSE_Key of the passkey, in base64url.
 */
export async function verifyAssertion(
  { id, rawId, response }: PasskeyAssertion,
  publicKey: string,
  expected: Expected,
): Promise<VerifiedAssertion | undefined> {
  const [{ verifyAuthenticationResponse }, helpers] = await loadLibrary()
  return unlessRefused(async () => {
    const { clientDataJSON, authenticatorData, signature } = response
    if (isFramed(helpers.decodeClientDataJSON(clientDataJSON))) return undefined
    const { verified, authenticationInfo: info } = await verifyAuthenticationResponse({
      response: {
        id,
        rawId,
        type: 'public-key',
        response: { clientDataJSON, authenticatorData, signature },
        clientExtensionResults: {},
      },
      ...namesOf(expected),
      // The library would compare the counter before the signature. Then everyone who knows the ID of
      // a passkey could make it look cloned.
      credential: { id, publicKey: Uint8Array.from(Buffer.from(publicKey, 'base64url')), counter: 0 },
    })
    if (!verified) return undefined
    return {
      counter: info.newCounter,
      deviceType: deviceTypeOf(info.credentialDeviceType),
      backedUp: info.credentialBackedUp,
    }
  })
}

/** Loads the library at its first use: it takes some 300 ms and 25 MB. */
export function loadLibrary() {
  return Promise.all([import('@simplewebauthn/server'), import('@simplewebauthn/server/helpers')])
}

type Helpers = Awaited<ReturnType<typeof loadLibrary>>[1]

/** The library throws an Error without a code for each check that fails. */
async function unlessRefused<T>(verify: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await verify()
  } catch {
    return undefined
  }
}

function namesOf({ challenge, rpId, origins, requireUserVerification }: Expected) {
  return { expectedChallenge: challenge, expectedOrigin: [...origins], expectedRPID: rpId, requireUserVerification }
}

/**
 * Returns whether the page was in a frame of another origin (WebAuthn Level 3 §5.8.1), where its
 * user may not see it. The library accepts some of these.
 */
function isFramed({ crossOrigin, topOrigin }: { crossOrigin?: unknown; topOrigin?: unknown }): boolean {
  return !(crossOrigin === undefined || crossOrigin === false) || topOrigin !== undefined
}

/**
 * Returns the attestation object with the format "none" (WebAuthn Level 3 §8.7). The server asks
 * for no attestation. If it evaluated one, a client could send certificates of its own, and the
 * library would request the revocation lists at the addresses in them.
 */
function withoutAttestation({ decodeAttestationObject, isoBase64URL, isoCBOR }: Helpers, sent: string): string {
  const authData = decodeAttestationObject(isoBase64URL.toBuffer(sent)).get('authData')
  const none = new Map<string, string | Uint8Array | Map<string, string>>([
    ['fmt', 'none'],
    ['attStmt', new Map<string, string>()],
    ['authData', authData],
  ])
  return isoBase64URL.fromBuffer(isoCBOR.encode(none))
}

function deviceTypeOf(type: 'singleDevice' | 'multiDevice'): PasskeyData['deviceType'] {
  return type === 'multiDevice' ? 'multi' : 'single'
}
