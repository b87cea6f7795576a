import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { blocksLeftOut } from '../support/page.js'
import { createDeployment, startServer } from '../support/server-process.js'
import { Runbook } from './support/runbook.js'

describe('docs/guides/runbook-disaster.md', () => {
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-disaster-'))
  })

  afterEach(() => rmSync(folder, { recursive: true }))

  /**
   * Runs the commands below a heading between two servers, and expects that the sessions of the
   * first have ended.
   */
  const expectEnded = async (heading: string, env: Readonly<Record<string, string>>) => {
    const runbook = new Runbook('runbook-disaster.md')
    try {
      const before = await startServer({ env })
      const { accessToken } = await new AuthClient(before.url).register('ada@example.com')
      await before.stop()
      await runbook.run(heading, { ...env, BACKUPS: folder })
      const after = await startServer({ env })
      const client = new AuthClient(after.url)
      expect(await client.whoIs(accessToken)).toBe('token_revoked')
      expect((await client.login('ada@example.com')).accountId).toBeDefined()
      await after.stop()
    } finally {
      runbook.dispose()
    }
  }

  it('ends the sessions whose end PostgreSQL has lost', async () => {
    const { env, dispose } = await createDeployment('postgres')
    await expectEnded('PostgreSQL', env).finally(dispose)
  })

  it('ends the sessions whose end an embedded database has lost, with the master key of its folder', async () => {
    const env = { PORT: '0', LATCHKEY_ISSUER: 'https://auth.test', LATCHKEY_DATA_DIR: join(folder, 'data') }
    await expectEnded('The embedded database', env)
  })

  it('has no block that these tests leave out', () => {
    expect(blocksLeftOut('docs/guides/runbook-disaster.md')).toEqual([])
  })
})
