import { Keyring } from 'latchkey'
import type { KmsKey } from '../../config/configuration.js'
import { StartupFailure } from '../../startup-failure.js'
import { CloudKms } from './cloud-kms.js'
import { RefusedCall, type RetryOptions } from './google-call.js'
import type { MasterKeyProvider } from './master-key-provider.js'

/**
 * Binds the ring to its purpose, so that other values under the same KMS key are not accepted as a
 * ring.
 */
const additionalData = Buffer.from('latchkey master keys')

/**
 * Provides a key ring that is stored encrypted by Cloud KMS, and decrypted once at the start of the
 * process.
 */
export function kmsKeys(wrapped: string, key: KmsKey, retry?: RetryOptions): MasterKeyProvider {
  return { place: `Cloud KMS ${key.name}`, read: () => unwrapKeys(wrapped, key, retry) }
}

/** Returns the encrypted ring in base64. Throws `kms_refused`, `kms_unavailable`. */
export async function wrapKeys(masterKeys: string, key: KmsKey, retry?: RetryOptions): Promise<string> {
  try {
    return (await new CloudKms(key, retry).encrypt(Buffer.from(masterKeys), additionalData)).toString('base64')
  } catch (error) {
    throw error instanceof RefusedCall ? refused(error, 'Encrypter') : error
  }
}

async function unwrapKeys(wrapped: string, key: KmsKey, retry?: RetryOptions): Promise<string> {
  try {
    return checkRing(await new CloudKms(key, retry).decrypt(Buffer.from(wrapped, 'base64'), additionalData))
  } catch (error) {
    if (!(error instanceof RefusedCall)) throw error
    throw error.status === 400 ? wrong(error) : refused(error, 'Decrypter')
  }
}

function checkRing(bytes: Buffer): string {
  const masterKeys = bytes
    .toString()
    .trim()
    .replaceAll(/\s*\n\s*/g, ',')
  try {
    Keyring.parse(masterKeys)
    return masterKeys
  } catch (error) {
    throw wrong(error)
  }
}

function wrong(cause: unknown): StartupFailure {
  return new StartupFailure(
    'wrapped_master_keys_wrong',
    'LATCHKEY_WRAPPED_MASTER_KEYS does not contain master keys that LATCHKEY_KMS_KEY has wrapped.',
    'Check that both belong to the same deployment and that the value is complete. "latchkey master-keys wrap" creates one.',
    cause,
  )
}

function refused(cause: RefusedCall, role: 'Encrypter' | 'Decrypter'): StartupFailure {
  return new StartupFailure(
    'kms_refused',
    'Cloud KMS does not allow this service account to use the key in LATCHKEY_KMS_KEY.',
    `Check the key's name, and grant the service account roles/cloudkms.cryptoKey${role} on it.`,
    cause,
  )
}
