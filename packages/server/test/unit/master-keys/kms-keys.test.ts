import { Keyring } from 'latchkey'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { KmsKey } from '../../../src/config/configuration.js'
import { kmsKeys, wrapKeys } from '../../../src/database/master-keys/kms-keys.js'
import { type FakeAnswer, FakeKms } from '../../support/fake-kms.js'

const impatient = { attempts: 3, firstDelayMs: 1 }
const ring = `${Keyring.generate('k2')},${Keyring.generate('k1')}`

describe('master keys that Cloud KMS has wrapped', () => {
  let kms: FakeKms
  let key: KmsKey
  let wrapped: string

  beforeEach(async () => {
    kms = await new FakeKms().start()
    key = { name: kms.keyName, endpoint: `http://${kms.host}`, metadataHost: kms.host }
    wrapped = await wrapKeys(ring, key, impatient)
    kms.calls.length = 0
  })

  afterEach(() => kms.stop())

  const read = (text = wrapped, from = key) => kmsKeys(text, from, impatient).read()
  const failureOf = (reading: Promise<string>) =>
    reading.then(
      () => 'none',
      (error: { code?: string }) => error.code ?? String(error),
    )

  it('are unwrapped once, with the service account of the workload', async () => {
    expect(await read()).toBe(ring)
    expect(kms.calls).toEqual(['metadata', 'decrypt'])
  })

  it('reveal nothing while they are wrapped', () => {
    const bytes = Buffer.from(wrapped, 'base64').toString('latin1')
    for (const entry of ring.split(',')) expect(bytes).not.toContain(entry.slice(3, 13))
  })

  it('are unwrapped after a rotation of the KMS key, and wrapped again under its newest version', async () => {
    kms.rotate()
    expect(await read()).toBe(ring)
    expect(await read(await wrapKeys(ring, key))).toBe(ring)
  })

  it('may be wrapped by gcloud, with line breaks', async () => {
    expect(await read(await wrapKeys(`${ring.replace(',', '\n')}\n`, key))).toBe(ring)
  })

  const corrupt = ({ status, body }: FakeAnswer): FakeAnswer => ({
    status,
    body: { ...(body as object), plaintextCrc32c: '1', ciphertextCrc32c: '1' },
  })
  const faults: Readonly<Record<string, (answer: FakeAnswer) => FakeAnswer>> = {
    'an overload': () => ({ status: 429, body: { error: { message: 'Quota' } } }),
    'an internal error': () => ({ status: 500, body: '' }),
    'an answer that is unavailable': () => ({ status: 503, body: 'upstream connect error' }),
    'a torn answer': ({ status, body }) => ({ status, body: JSON.stringify(body).slice(0, -9) }),
    'an answer of another shape': ({ status }) => ({ status, body: 'null' }),
    'an answer that does not match its checksum': corrupt,
  }

  it.each(Object.entries(faults))('are requested again after %s', async (_what, fault) => {
    kms.alterAnswer = (answer, { number }) => (number === 1 ? fault(answer) : answer)
    expect(await read()).toBe(ring)
    expect(await read(await wrapKeys(ring, key, impatient))).toBe(ring)
  })

  it.each(Object.entries(faults))('fail after a few attempts that all meet %s', async (_what, fault) => {
    kms.alterAnswer = (answer, { verb }) => (verb === 'decrypt' ? fault(answer) : answer)
    expect(await failureOf(read())).toBe('kms_unavailable')
    expect(kms.calls.filter((call) => call === 'decrypt')).toHaveLength(3)
  })

  it('are not accepted from an encryption that confirms other checksums', async () => {
    kms.alterAnswer = ({ status, body }) => ({ status, body: { ...(body as object), verifiedPlaintextCrc32c: false } })
    expect(await failureOf(wrapKeys(ring, key, impatient))).toBe('kms_unavailable')
  })

  it('fail when there is no answer', async () => {
    const gone = { ...key, metadataHost: '127.0.0.1:1' }
    expect(await failureOf(read(wrapped, gone))).toBe('kms_unavailable')
  })

  it('are not requested twice when permission is denied or the key does not exist', async () => {
    expect(await failureOf(read(wrapped, { ...key, name: key.name.replace('shop', 'other') }))).toBe('kms_refused')
    kms.alterAnswer = (answer, { verb }) => (verb === 'metadata' ? answer : { status: 403, body: {} })
    expect(await failureOf(read())).toBe('kms_refused')
    expect(await failureOf(wrapKeys(ring, key, impatient))).toBe('kms_refused')
    expect(kms.calls.filter((call) => call !== 'metadata')).toHaveLength(3)
  })

  it('are not requested with an access token from a server that is no metadata server', async () => {
    kms.metadataFlavor = 'nginx'
    expect(await failureOf(read())).toBe('kms_refused')
    expect(kms.calls).toEqual(['metadata'])
  })

  it('are refused when they are altered, wrapped elsewhere, or no keys at all', async () => {
    const bytes = Buffer.from(wrapped, 'base64')
    bytes.writeUInt8(bytes.readUInt8(20) ^ 1, 20)
    expect(await failureOf(read(bytes.toString('base64')))).toBe('wrapped_master_keys_wrong')
    const other = await new FakeKms().start()
    const elsewhere = await wrapKeys(ring, { ...key, endpoint: `http://${other.host}`, metadataHost: other.host })
    await other.stop()
    expect(await failureOf(read(elsewhere))).toBe('wrapped_master_keys_wrong')
    expect(await failureOf(read(await wrapKeys('hello', key)))).toBe('wrapped_master_keys_wrong')
  })

  it('never appear in an error, nor does the access token', async () => {
    for (const fault of [...Object.values(faults), () => ({ status: 400, body: {} })]) {
      kms.alterAnswer = (answer) => fault(answer)
      const error = await read().then(
        () => undefined,
        (cause: unknown) => cause,
      )
      const messages = errorTexts(error).join('\n')
      expect(messages).not.toBe('')
      expect(messages).not.toMatch(/ya29/)
      for (const secret of [wrapped, ...ring.split(',').map((entry) => entry.slice(3))]) {
        expect(messages).not.toContain(secret.slice(0, 12))
      }
    }
  })
})

function errorTexts(error: unknown): string[] {
  return error instanceof Error ? [String(error), ...errorTexts(error.cause)] : []
}
