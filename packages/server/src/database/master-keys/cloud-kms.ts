import type { KmsKey } from '../../config/configuration.js'
import { crc32c } from './crc32c.js'
import {
  callGoogle,
  defaultRetry,
  RefusedCall,
  type RetryOptions,
  TransientFailure,
  withRetries,
} from './google-call.js'

type Fields = Readonly<Record<string, unknown>>

/**
 * A client of Cloud KMS that uses the service account of the workload (Workload Identity), without
 * configured credentials. All checksums of the API are sent and checked; a call with a wrong
 * checksum is retried.
 */
export class CloudKms {
  readonly #key: KmsKey
  readonly #retry: RetryOptions

  constructor(key: KmsKey, retry: RetryOptions = defaultRetry) {
    this.#key = key
    this.#retry = retry
  }

  /** Encrypts with the primary version of the key. Throws `kms_unavailable`, or a RefusedCall. */
  encrypt(plaintext: Uint8Array, additionalData: Uint8Array): Promise<Buffer> {
    const request = { ...field('plaintext', plaintext), ...field('additionalAuthenticatedData', additionalData) }
    return withRetries(async () => {
      const answer = await this.#call('encrypt', request)
      const arrived = answer.verifiedPlaintextCrc32c && answer.verifiedAdditionalAuthenticatedDataCrc32c
      if (arrived !== true) throw new TransientFailure('Cloud KMS received a damaged request.')
      return bytesOf(answer, 'ciphertext')
    }, this.#retry)
  }

  /**
   * Decrypts with the version that encrypted the text. Throws `kms_unavailable`, or a RefusedCall.
   */
  decrypt(ciphertext: Uint8Array, additionalData: Uint8Array): Promise<Buffer> {
    const request = { ...field('ciphertext', ciphertext), ...field('additionalAuthenticatedData', additionalData) }
    return withRetries(async () => bytesOf(await this.#call('decrypt', request), 'plaintext'), this.#retry)
  }

  async #call(verb: 'encrypt' | 'decrypt', request: Fields): Promise<Fields> {
    const { name, endpoint } = this.#key
    const headers = { authorization: `Bearer ${await this.#accessToken()}`, 'content-type': 'application/json' }
    const call = { method: 'POST', headers, body: JSON.stringify(request) }
    return fieldsOf((await callGoogle(`${endpoint}/v1/${name}:${verb}`, call)).body)
  }

  /**
   * Requests a token for each attempt. The metadata server caches tokens, and a refused one must
   * not be reused.
   */
  async #accessToken(): Promise<string> {
    const url = `http://${this.#key.metadataHost}/computeMetadata/v1/instance/service-accounts/default/token`
    const { headers, body } = await callGoogle(url, { headers: { 'metadata-flavor': 'Google' } })
    const { access_token: token } = fieldsOf(body)
    if (headers.get('metadata-flavor') !== 'Google' || typeof token !== 'string') {
      throw new RefusedCall(502, `${this.#key.metadataHost} is not a metadata server of Google Cloud.`)
    }
    return token
  }
}

/**
 * Returns a value in the form of the API: in base64, with its checksum, which is text because it is
 * a 64-bit number.
 */
function field(name: string, value: Uint8Array): Fields {
  return { [name]: Buffer.from(value).toString('base64'), [`${name}Crc32c`]: String(crc32c(value)) }
}

function bytesOf(answer: Fields, name: string): Buffer {
  const value = answer[name]
  const bytes = Buffer.from(typeof value === 'string' ? value : '', 'base64')
  if (answer[`${name}Crc32c`] !== String(crc32c(bytes))) {
    throw new TransientFailure('The answer of Cloud KMS does not match its checksum.')
  }
  return bytes
}

function fieldsOf(body: unknown): Fields {
  if (typeof body !== 'object' || body === null)
    throw new TransientFailure('The answer of Cloud KMS is not a JSON object.')
  return body as Fields
}
