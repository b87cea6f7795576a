import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Keyring } from 'latchkey'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../../test/support/test-database.js'
import { withNewestKey, withNewKey, withoutKey } from '../../../src/database/master-keys/master-key-ring.js'
import { ApiClient } from '../../support/api-client.js'
import { Command } from '../../support/command.js'
import { FakeKms } from '../../support/fake-kms.js'
import { password } from '../../support/people.js'

describe('latchkey master-keys', () => {
  let folder: string
  let kms: FakeKms

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-keys-'))
    kms = await new FakeKms().start()
  })

  afterEach(async () => {
    await kms.stop()
    rmSync(folder, { recursive: true })
  })

  const run = (args: string, env: Record<string, string> = {}) =>
    new Command(['master-keys', ...args.split(' ')], { LATCHKEY_DATA_DIR: join(folder, 'data'), ...env }).finished
  const idsIn = (ring: string) =>
    ring
      .trim()
      .split('\n')
      .map((entry) => entry.split(':')[0])
  const codeIn = ({ stderr }: { stderr: string }) => /^latchkey: (\w+):/.exec(stderr)?.[1]

  it('creates a first ring, adds a key at its end, promotes it, and removes an older one', async () => {
    const first = (await run('add k1')).stdout
    Keyring.parse(first.trim())
    const both = (await run('add k2', { LATCHKEY_MASTER_KEYS: first.trim() })).stdout
    expect(idsIn(both)).toEqual(['k1', 'k2'])
    expect(both.startsWith(first)).toBe(true)
    const file = join(folder, 'ring')
    writeFileSync(file, both)
    const promoted = (await run('promote k2', { LATCHKEY_MASTER_KEYS_FILE: file })).stdout
    expect(promoted.trim().split('\n')).toEqual(both.trim().split('\n').toReversed())
    writeFileSync(file, promoted)
    expect(idsIn((await run('drop k1', { LATCHKEY_MASTER_KEYS_FILE: file })).stdout)).toEqual(['k2'])
  })

  it('writes the ring to a file that only its owner can read, and overwrites none', async () => {
    const file = join(folder, 'ring')
    const { code, stdout } = await run(`add k1 --to ${file}`)
    expect([code, stdout, statSync(file).mode & 0o777]).toEqual([0, '', 0o600])
    expect(idsIn(readFileSync(file, 'utf8'))).toEqual(['k1'])
    expect((await run(`add k2 --to ${file}`)).code).toBe(2)
  })

  it('refuses impossible changes, and states the reason', async () => {
    const finished = await run('wrap', { LATCHKEY_MASTER_KEYS: Keyring.generate('k1') })
    expect([finished.code, codeIn(finished), finished.stdout]).toEqual([2, 'command_refused', ''])
    const ring = Keyring.generate('k1')
    for (const attempt of [
      () => withNewKey(ring, 'k1'),
      () => withNewKey(ring, 'not/an/id'),
      () => withNewestKey(ring, 'k2'),
      () => withNewestKey('', 'k1'),
      () => withoutKey(ring, 'k1'),
      () => withoutKey(ring, 'k0'),
      () => withoutKey(`${Keyring.generate('k2')}, ${ring}`, 'k2'),
    ]) {
      expect(attempt).toThrow(expect.objectContaining({ code: 'command_refused' }))
    }
  })

  it('starts from the file of the data folder, and creates none', async () => {
    const data = join(folder, 'data')
    expect((await run('add k1')).code).toBe(0)
    expect(existsSync(data)).toBe(false)
    mkdirSync(data)
    writeFileSync(join(data, 'master.key'), `${Keyring.generate('k1')}\n`, { mode: 0o600 })
    const kept = readFileSync(join(data, 'master.key'), 'utf8')
    const { stdout } = await run('add k2')
    expect(idsIn(stdout)).toEqual(['k1', 'k2'])
    expect(stdout.startsWith(kept)).toBe(true)
    expect(readFileSync(join(data, 'master.key'), 'utf8')).toBe(kept)
  })

  it('never prints a ring in plain text once it is wrapped', async () => {
    const plain = (await run('add k1')).stdout
    const wrapped = (await run('wrap', { ...kms.env, LATCHKEY_MASTER_KEYS: plain.trim() })).stdout
    const outputs = [
      wrapped,
      (await run('add k2', { ...kms.env, LATCHKEY_WRAPPED_MASTER_KEYS: wrapped })).stdout,
      (await run('wrap', { ...kms.env, LATCHKEY_WRAPPED_MASTER_KEYS: wrapped })).stdout,
    ]
    for (const output of outputs) {
      expect(output).toMatch(/^[A-Za-z0-9+/]+=*\n$/)
      expect(output).not.toContain(plain.trim().slice(3))
    }
    expect(new Set(outputs).size).toBe(outputs.length)
  })

  describe('on PostgreSQL, with keys that Cloud KMS has wrapped', () => {
    let database: TestDatabase

    beforeEach(async () => {
      database = await createTestDatabase()
      return () => database.drop()
    })

    it('lets a server start, and change to a new master key without ever showing one', async () => {
      const env = { ...kms.env, DATABASE_URL: database.url, PORT: '0', LATCHKEY_ISSUER: 'https://auth.test' }
      const serve = async (wrapped: string) => {
        const server = new Command(['serve'], { ...env, LATCHKEY_WRAPPED_MASTER_KEYS: wrapped })
        const printed = await server.prints(/is up at \S+/)
        return { server, printed, client: await ApiClient.connect(/up at (\S+)/.exec(printed)?.[1] ?? '') }
      }
      const first = (await run('add k1', env)).stdout
      const before = await serve(first)
      expect(before.printed).toContain(`Cloud KMS ${kms.keyName}`)
      const person = { email: 'ada@example.com', password }
      expect((await before.client.post('/v1/register', { body: person })).status).toBe(201)
      expect((await before.server.stop()).code).toBe(0)
      const second = (await run('add k2', { ...env, LATCHKEY_WRAPPED_MASTER_KEYS: first })).stdout
      const after = await serve(second)
      expect((await after.client.post('/v1/login', { body: person })).status).toBe(200)
      expect((await after.server.stop()).code).toBe(0)
    })

    it('stops the start of a server that may not unwrap, with a code', async () => {
      kms.alterAnswer = (answer, { verb }) => (verb === 'metadata' ? answer : { status: 403, body: {} })
      const env = { ...kms.env, DATABASE_URL: database.url, LATCHKEY_WRAPPED_MASTER_KEYS: 'AAAA' }
      const finished = await new Command(['serve'], env).finished
      expect([finished.code, codeIn(finished)]).toEqual([1, 'kms_refused'])
    })
  })
})
