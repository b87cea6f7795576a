import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { crc32c } from '../../src/database/master-keys/crc32c.js'

type Json = Record<string, unknown>

/** An answer of the API: its status and its body, an object as JSON. */
export interface FakeAnswer {
  readonly status: number
  readonly body: Json | string
}

/**
 * Cloud KMS and the metadata server in one server on loopback. It has the JSON of the real API (v1
 * `cryptoKeys.encrypt` and `.decrypt`), with real encryption, key versions and checksums.
 */
export class FakeKms {
  readonly keyName = 'projects/shop/locations/europe-west1/keyRings/latchkey/cryptoKeys/master-keys'
  /** The calls, as `metadata`, `encrypt` or `decrypt`. */
  readonly calls: string[] = []
  /** Alters an answer before it is sent; receives the number of the call, from 1. */
  alterAnswer: (answer: FakeAnswer, call: { readonly verb: string; readonly number: number }) => FakeAnswer = (
    answer,
  ) => answer
  metadataFlavor = 'Google'
  readonly #versions = [randomBytes(32)]
  readonly #token = `ya29.${randomBytes(24).toString('base64url')}`
  readonly #server = createServer((request, response) => void this.#answer(request, response))

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  get host(): string {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('The server is not listening.')
    return `127.0.0.1:${address.port}`
  }

  /** The environment of a program that uses this server. */
  get env(): Record<string, string> {
    return {
      LATCHKEY_KMS_KEY: this.keyName,
      LATCHKEY_KMS_ENDPOINT: `http://${this.host}`,
      GCE_METADATA_HOST: this.host,
    }
  }

  /** Creates a new primary version; older ones still decrypt. */
  rotate(): void {
    this.#versions.unshift(randomBytes(32))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url = '' } = request
    const verb = url.startsWith('/computeMetadata/') ? 'metadata' : url.slice(url.lastIndexOf(':') + 1)
    this.calls.push(verb)
    const honest = verb === 'metadata' ? this.#metadata(request) : this.#kms(request, JSON.parse(await text(request)))
    const number = this.calls.filter((call) => call === verb).length
    const { status, body } = this.alterAnswer(honest, { verb, number })
    response.writeHead(status, { 'content-type': 'application/json', 'metadata-flavor': this.metadataFlavor })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }

  #metadata({ headers, url }: IncomingMessage): FakeAnswer {
    if (headers['metadata-flavor'] !== 'Google')
      return failure(403, 'PERMISSION_DENIED', 'Missing Metadata-Flavor:Google header.')
    if (!url?.endsWith('/instance/service-accounts/default/token')) return failure(404, 'NOT_FOUND', 'Not found.')
    return { status: 200, body: { access_token: this.#token, expires_in: 3599, token_type: 'Bearer' } }
  }

  #kms({ headers, url, method }: IncomingMessage, body: Json): FakeAnswer {
    if (headers.authorization !== `Bearer ${this.#token}`)
      return failure(401, 'UNAUTHENTICATED', 'Invalid credentials.')
    const [name, verb] = (url ?? '').slice('/v1/'.length).split(':')
    if (method !== 'POST' || name !== this.keyName) return failure(404, 'NOT_FOUND', `CryptoKey ${name} not found.`)
    const given = ['plaintext', 'ciphertext', 'additionalAuthenticatedData'].filter(
      (field) => body[field] !== undefined,
    )
    for (const field of given) {
      if (body[`${field}Crc32c`] !== String(crc32c(bytesOf(body, field)))) {
        return failure(400, 'INVALID_ARGUMENT', `Checksum of ${field} does not match.`)
      }
    }
    return verb === 'encrypt' ? this.#encrypt(body) : this.#decrypt(body)
  }

  #encrypt(body: Json): FakeAnswer {
    const [primary = randomBytes(32)] = this.#versions
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', primary, nonce).setAAD(bytesOf(body, 'additionalAuthenticatedData'))
    const sealed = [nonce, cipher.update(bytesOf(body, 'plaintext')), cipher.final(), cipher.getAuthTag()]
    const version = { name: `${this.keyName}/cryptoKeyVersions/${this.#versions.length}`, protectionLevel: 'SOFTWARE' }
    const verified = { verifiedPlaintextCrc32c: true, verifiedAdditionalAuthenticatedDataCrc32c: true }
    return { status: 200, body: { ...version, ...value('ciphertext', Buffer.concat(sealed)), ...verified } }
  }

  #decrypt(body: Json): FakeAnswer {
    const bytes = bytesOf(body, 'ciphertext')
    for (const [index, key] of this.#versions.entries()) {
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 })
        decipher.setAAD(bytesOf(body, 'additionalAuthenticatedData')).setAuthTag(bytes.subarray(-16))
        const plaintext = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()])
        return {
          status: 200,
          body: { ...value('plaintext', plaintext), usedPrimary: index === 0, protectionLevel: 'SOFTWARE' },
        }
      } catch {
        // Another version may decrypt it.
      }
    }
    return failure(400, 'INVALID_ARGUMENT', 'Decryption failed: verify that the ciphertext was not modified.')
  }
}

function bytesOf(body: Json, field: string): Buffer {
  return Buffer.from(String(body[field] ?? ''), 'base64')
}

function value(field: string, bytes: Buffer): Json {
  return { [field]: bytes.toString('base64'), [`${field}Crc32c`]: String(crc32c(bytes)) }
}

function failure(code: number, status: string, message: string): FakeAnswer {
  return { status: code, body: { error: { code, message, status } } }
}
