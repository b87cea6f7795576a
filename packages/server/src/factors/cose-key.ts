import { createPublicKey, type JsonWebKey } from 'node:crypto'

/**
 * The algorithms of passkeys (RFC 9053, RFC 8812), in the order of preference: EdDSA, ES256, RS256.
 */
export const passkeyAlgorithms = [-8, -7, -257] as const

// The labels of COSE_Key (RFC 9052 §7.1, RFC 9053 §7, RFC 8230 §4).
const kty = 1
const alg = 3
const crv = -1
const x = -2
const y = -3
const n = -1
const e = -2

/** The sizes of an RSA modulus that are accepted: 2,048 to 4,096 bits. */
const rsaBytes = { min: 256, max: 512 }

/**
 * Returns whether a COSE_Key is a public key with which signatures can be verified at a bounded
 * cost.
 *
 * Without attestation nothing proves that the key came from an authenticator, so that a client may
 * send any one: a huge RSA key would make each verification slow.
 */
export function isUsableKey(key: ReadonlyMap<number, unknown>): boolean {
  const jwk = jwkOf(key)
  if (jwk === undefined) return false
  try {
    // Throws for a point that is not on the curve.
    createPublicKey({ key: jwk, format: 'jwk' })
    return true
  } catch {
    return false
  }
}

function jwkOf(key: ReadonlyMap<number, unknown>): JsonWebKey | undefined {
  const text = (label: number, sizes: { min: number; max: number }) => {
    const value = key.get(label)
    const fits = value instanceof Uint8Array && value.length >= sizes.min && value.length <= sizes.max
    return fits ? Buffer.from(value).toString('base64url') : undefined
  }
  const coordinate = { min: 32, max: 32 }
  switch (`${key.get(kty)} ${key.get(alg)}`) {
    case '1 -8':
      return key.get(crv) === 6 ? complete({ kty: 'OKP', crv: 'Ed25519', x: text(x, coordinate) }) : undefined
    case '2 -7':
      return key.get(crv) === 1
        ? complete({ kty: 'EC', crv: 'P-256', x: text(x, coordinate), y: text(y, coordinate) })
        : undefined
    case '3 -257':
      return complete({ kty: 'RSA', n: text(n, rsaBytes), e: text(e, { min: 1, max: 4 }) })
    default:
      return undefined
  }
}

/** Returns the key if no member is missing. */
function complete(members: Readonly<Record<string, string | undefined>>): JsonWebKey | undefined {
  return Object.values(members).every((member) => member !== undefined) ? (members as JsonWebKey) : undefined
}
