import { parseOptions } from '@node-rs/argon2'

/** A password hash of another system, with its parameters. */
export type ImportedHash =
  | { readonly scheme: 'bcrypt'; readonly text: string }
  | { readonly scheme: 'argon2'; readonly text: string }
  | ScryptHash
  | (Omit<ScryptHash, 'scheme'> & { readonly scheme: 'firebase-scrypt'; readonly signerKey: Buffer })
  | ({ readonly scheme: 'pbkdf2'; readonly digest: string; readonly iterations: number } & SaltedKey)

interface SaltedKey {
  readonly salt: Buffer
  readonly key: Buffer
}

/** A key that scrypt derives (RFC 7914). */
export interface ScryptHash extends SaltedKey {
  readonly scheme: 'scrypt'
  readonly n: number
  readonly r: number
  readonly p: number
}

/** Why a hash is refused: its form is not supported, or checking it would cost too much. */
export type HashFault = 'password_hash_unsupported' | 'password_hash_excessive'

/**
 * Limits of the work of a login: about two seconds and 256 MiB at most. Each login runs the hash on
 * this server, so a hash with excessive parameters would be a denial of service.
 */
const limits = {
  bcryptCost: 15,
  argon2MemoryKib: 262_144,
  /** Passes times KiB. */
  argon2Work: 1_048_576,
  argon2Threads: 16,
  scryptBytes: 268_435_456,
  /** N times r times p. */
  scryptWork: 8_388_608,
  pbkdf2Iterations: 5_000_000,
} as const

const maxSaltBytes = 128
const keyBytes = { min: 16, max: 128 } as const
const maxLength = 512

const bcryptForm = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/
const argon2Form =
  /^\$argon2(?:id|i)\$v=(?:16|19)\$m=\d{1,7},t=\d{1,4},p=\d{1,3}\$[A-Za-z0-9+/]{11,171}\$[A-Za-z0-9+/]{22,171}$/
const scryptForm = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]*)\$([A-Za-z0-9+/]+)$/
const djangoScryptForm = /^scrypt\$(\d{1,8})\$([^$]+)\$(\d{1,3})\$(\d{1,3})\$([A-Za-z0-9+/]+={0,2})$/
// As Supabase Auth writes it: `ss` is the salt separator and `sk` the signer key of the project.
const firebaseScryptForm =
  /^\$fbscrypt\$v=1,n=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})(?:,ss=([A-Za-z0-9+/]+={0,2}))?,sk=([A-Za-z0-9+/]+={0,2})\$([A-Za-z0-9+/]+={0,2})\$([A-Za-z0-9+/]+={0,2})$/
// "i=" and "l=" as in the PHC format, or a bare number and "." for "+" as passlib writes them.
const pbkdf2Form =
  /^\$pbkdf2(?:-(sha1|sha256|sha512))?\$(?:i=)?(\d{1,9})(?:,l=\d{1,3})?\$([A-Za-z0-9+./]*)\$([A-Za-z0-9+./]+)$/
const djangoPbkdf2Form = /^pbkdf2_(sha1|sha256)\$(\d{1,9})\$([^$]+)\$([A-Za-z0-9+/]+={0,2})$/

/**
 * Parses a hash in the usual forms of bcrypt, Argon2, scrypt, the scrypt of Firebase, and PBKDF2.
 * The forms are strict, because a hash in any other form would never match.
 */
export function parseImportedHash(text: string): ImportedHash | HashFault {
  if (text.length > maxLength) return 'password_hash_unsupported'
  const bcrypt = bcryptForm.exec(text)
  if (bcrypt !== null) return bcryptOf(text, Number(bcrypt[1]))
  if (argon2Form.test(text)) return argon2Of(text)
  const scrypt = scryptForm.exec(text)
  if (scrypt !== null) {
    const [, logN, r, p, salt = '', key = ''] = scrypt
    return scryptOf([2 ** Number(logN), Number(r), Number(p)], { salt: base64(salt), key: base64(key) })
  }
  const djangoScrypt = djangoScryptForm.exec(text)
  if (djangoScrypt !== null) {
    const [, n, salt = '', r, p, key = ''] = djangoScrypt
    return scryptOf([Number(n), Number(r), Number(p)], { salt: Buffer.from(salt), key: base64(key) })
  }
  const firebase = firebaseScryptForm.exec(text)
  if (firebase !== null) {
    const [, logN, r, p, separator = '', signerKey = '', salt = '', key = ''] = firebase
    const salted = { salt: Buffer.concat([base64(salt), base64(separator)]), key: base64(key) }
    return firebaseScryptOf(scryptOf([2 ** Number(logN), Number(r), Number(p)], salted), base64(signerKey))
  }
  const pbkdf2 = pbkdf2Form.exec(text)
  if (pbkdf2 !== null) {
    const [, digest = 'sha1', iterations, salt = '', key = ''] = pbkdf2
    return pbkdf2Of(digest, Number(iterations), { salt: base64(salt), key: base64(key) })
  }
  const django = djangoPbkdf2Form.exec(text)
  if (django === null) return 'password_hash_unsupported'
  const [, digest = '', iterations, salt = '', key = ''] = django
  return pbkdf2Of(digest, Number(iterations), { salt: Buffer.from(salt), key: base64(key) })
}

function bcryptOf(text: string, cost: number): ImportedHash | HashFault {
  if (cost < 4) return 'password_hash_unsupported'
  return cost > limits.bcryptCost ? 'password_hash_excessive' : { scheme: 'bcrypt', text }
}

function argon2Of(text: string): ImportedHash | HashFault {
  const [, memory, passes, threads] = /m=(\d+),t=(\d+),p=(\d+)/.exec(text)?.map(Number) ?? []
  if (memory === undefined || passes === undefined || threads === undefined) return 'password_hash_unsupported'
  const excessive =
    memory > limits.argon2MemoryKib || memory * passes > limits.argon2Work || threads > limits.argon2Threads
  if (excessive) return 'password_hash_excessive'
  return isArgon2(text) ? { scheme: 'argon2', text } : 'password_hash_unsupported'
}

function isArgon2(text: string): boolean {
  try {
    const { memoryCost, timeCost, parallelism } = parseOptions(text)
    return memoryCost >= 8 * parallelism && timeCost >= 1
  } catch {
    return false
  }
}

function scryptOf([n, r, p]: readonly [number, number, number], salted: SaltedKey): ScryptHash | HashFault {
  const isPower = n >= 2 && n <= 2 ** 30 && (n & (n - 1)) === 0
  if (!isPower || r < 1 || p < 1 || !isSalted(salted)) return 'password_hash_unsupported'
  const excessive = 128 * n * r > limits.scryptBytes || n * r * p > limits.scryptWork
  return excessive ? 'password_hash_excessive' : { scheme: 'scrypt', n, r, p, ...salted }
}

/** The hash is the encrypted signer key, so both have the same length. */
function firebaseScryptOf(scrypt: ScryptHash | HashFault, signerKey: Buffer): ImportedHash | HashFault {
  if (typeof scrypt === 'string') return scrypt
  if (signerKey.length !== scrypt.key.length) return 'password_hash_unsupported'
  return { ...scrypt, scheme: 'firebase-scrypt', signerKey }
}

function pbkdf2Of(digest: string, iterations: number, salted: SaltedKey): ImportedHash | HashFault {
  if (iterations < 1 || !isSalted(salted)) return 'password_hash_unsupported'
  // Each block of the key runs all iterations.
  const work = iterations * Math.ceil(salted.key.length / 20)
  if (work > 4 * limits.pbkdf2Iterations || iterations > limits.pbkdf2Iterations) return 'password_hash_excessive'
  return { scheme: 'pbkdf2', digest, iterations, ...salted }
}

function isSalted({ salt, key }: SaltedKey): boolean {
  return salt.length >= 1 && salt.length <= maxSaltBytes && key.length >= keyBytes.min && key.length <= keyBytes.max
}

/** Decodes both alphabets, with or without padding. */
function base64(text: string): Buffer {
  return Buffer.from(text.replaceAll('.', '+'), 'base64')
}
