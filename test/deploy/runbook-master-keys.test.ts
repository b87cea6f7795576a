import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Keyring } from 'latchkey'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AuthClient, type Device } from '../support/auth-client.js'
import { blocksLeftOut } from '../support/page.js'
import { openStore, runCommand, type ServerProcess, startServer } from '../support/server-process.js'
import { createTestDatabase, type TestDatabase } from '../support/test-database.js'
import { Runbook } from './support/runbook.js'

describe('docs/guides/runbook-master-keys.md, run on two servers,', () => {
  let runbook: Runbook
  let folder: string
  let database: TestDatabase
  let env: Record<string, string>
  const servers: ServerProcess[] = []
  let ada: Device
  let people = 0

  beforeAll(async () => {
    runbook = new Runbook('runbook-master-keys.md')
    folder = mkdtempSync(join(tmpdir(), 'latchkey-runbook-'))
    database = await createTestDatabase()
    env = {
      PORT: '0',
      LATCHKEY_ISSUER: 'https://auth.test',
      DATABASE_URL: database.url,
      SECRETS: folder,
      BACKUPS: folder,
      LATCHKEY_MASTER_KEYS_FILE: join(folder, 'master-keys'),
    }
    writeFileSync(join(folder, 'master-keys'), `${Keyring.generate('k1')}\n`)
    for (const place of [0, 1]) servers[place] = await startServer({ env })
    ada = await clientOf(0).register('ada@example.com')
  })

  afterAll(async () => {
    for (const server of servers) await server.kill()
    await database.drop()
    runbook.dispose()
    rmSync(folder, { recursive: true })
  })

  const clientOf = (place: number) => new AuthClient(servers[place]?.url ?? '')

  const replace = async (place: number) => {
    const old = servers[place]
    servers[place] = await startServer({ env })
    await old?.stop()
  }

  /** Expects that each server accepts new tokens of the other one, and all earlier tokens. */
  const expectAgreement = async () => {
    for (const [here, there] of [
      [0, 1],
      [1, 0],
    ] as const) {
      const { accessToken, accountId } = await clientOf(here).register(`person-${++people}@example.com`)
      expect(await clientOf(there).whoIs(accessToken)).toBe(accountId)
      expect(await clientOf(there).whoIs(ada.accessToken)).toBe(ada.accountId)
    }
  }

  const masterKeyIds = async () => {
    const store = openStore({ env })
    return store.masterKeyIds().finally(() => store.close())
  }

  const ringIds = () =>
    readFileSync(join(folder, 'master-keys'), 'utf8')
      .trim()
      .split('\n')
      .map((entry) => entry.split(':')[0])

  it.each<[string, readonly string[], readonly string[]]>([
    ['1. Add it to the ring', ['k1', 'k2'], ['k1']],
    ['2. Seal with it', ['k2', 'k1'], ['k1', 'k2']],
    ['3. Move what the old key has sealed', ['k2', 'k1'], ['k2']],
    ['4. Leave the old key out', ['k2'], ['k2']],
  ])(
    'keeps all users signed in at both servers during "%s", while servers are replaced',
    async (step, ring, sealing) => {
      const before = ringIds()
      await runbook.run(step, env)
      expect(ringIds()).toEqual(ring)
      // Only a changed ring needs new servers.
      for (const place of ring.join() === before.join() ? [] : [0, 1]) {
        await replace(place)
        await expectAgreement()
      }
      await expectAgreement()
      expect((await masterKeyIds()).toSorted()).toEqual(sealing)
    },
  )

  it('makes a leaked key and a copy of the database useless with "A key has leaked"', async () => {
    const leaked = readFileSync(join(folder, 'master-keys'), 'utf8').trim()
    await clientOf(0).call('GET', '/.well-known/jwks.json')
    const stolen = await everySealedRow(Keyring.parse(leaked))
    for (const step of ['add', 'promote']) {
      const { code, output } = await runCommand({ env }, ['master-keys', step, 'k3'])
      expect(code).toBe(0)
      writeFileSync(join(folder, 'master-keys'), output)
      for (const place of [0, 1]) await replace(place)
    }
    await runbook.run('A key has leaked', env)
    expect(await masterKeyIds()).toEqual(['k3'])
    const after = await everySealedRow(
      Keyring.parse(readFileSync(join(folder, 'master-keys'), 'utf8').trim().replaceAll('\n', ',')),
    )
    // Retired keys are used only to read old values.
    const inUse = [...after].filter(([name]) => !name.startsWith('setting retired:')).map(([, key]) => key)
    expect(inUse.filter((key) => [...stolen.values()].includes(key))).toEqual([])
    expect(stolen.size).toBeGreaterThan(8)
    const dropped = await runCommand({ env }, ['master-keys', 'drop', 'k2'])
    writeFileSync(join(folder, 'master-keys'), dropped.output)
    for (const place of [0, 1]) {
      expect(await clientOf(place).whoIs(ada.accessToken)).toBe('token_revoked')
      await replace(place)
      expect(await clientOf(place).whoIs(ada.accessToken)).toBe('token_revoked')
      expect((await clientOf(place).login('ada@example.com')).accountId).toBe(ada.accountId)
    }
  })

  /** Returns every key and secret of the database, opened. */
  const everySealedRow = async (ring: Keyring) => {
    const store = openStore({ env })
    try {
      const opened = new Map<string, string>()
      for (const row of await store.readSettings()) {
        opened.set(`setting ${row.name}`, ring.open(row, ['setting', row.name]).toString('hex'))
      }
      for (const pair of await store.readKeyPairs()) {
        opened.set(`pair ${pair.kid}`, ring.open(pair, ['key-pair', pair.kid, pair.algorithm]).toString('hex'))
      }
      const tenants = await store.readTenants(await store.readDue(Number.MAX_SAFE_INTEGER, '', 1000))
      for (const { tenant, secrets } of tenants.values()) {
        for (const one of secrets) {
          const secret = ring.open(one, ['tenant-secret', tenant, one.kid, one.generation, one.algorithm])
          opened.set(`secret ${one.kid}`, secret.toString('hex'))
        }
      }
      return opened
    } finally {
      await store.close()
    }
  }

  it('keeps accounts and passwords with "The keys are lost"', async () => {
    const { accessToken } = await clientOf(0).login('ada@example.com')
    await Promise.all(servers.map((server) => server.stop()))
    rmSync(join(folder, 'master-keys'))
    writeFileSync(join(folder, 'master-keys'), `${Keyring.generate('other')}\n`)
    const refused = await runCommand({ env }, ['audit', 'verify'])
    expect([refused.code === 0, refused.output.includes('master_key_missing')]).toEqual([false, true])
    rmSync(join(folder, 'master-keys'))
    await runbook.run('The keys are lost', env)
    for (const place of [0, 1]) await replace(place)
    expect(await clientOf(0).whoIs(accessToken)).toBe('kid_unknown')
    ada = await clientOf(0).login('ada@example.com')
    await expectAgreement()
    expect((await runCommand({ env }, ['audit', 'verify'])).code).toBe(0)
  })

  it('has no block that these tests leave out', () => {
    expect(blocksLeftOut('docs/guides/runbook-master-keys.md')).toEqual([])
  })
})
