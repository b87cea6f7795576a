import type { Latchkey } from 'latchkey'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operator } from '../../../src/audit/operator.js'
import { RefreshTokens, replaceableRefreshTokens } from '../../../src/sessions/refresh-token.js'
import { Sessions } from '../../../src/sessions/sessions.js'
import { password, register, tokenState } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const origin = { address: '127.0.0.1', userAgent: null }

describe.each(databases)('a refresh on %s that is overtaken', (database) => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database })
  })
  afterAll(() => running.stop())

  /**
   * Returns sessions whose refresh runs `interrupt` just before each signature, when the session
   * has been advanced and nothing is signed yet.
   */
  async function sessionsInterruptedBy(interrupt: () => Promise<unknown>): Promise<Sessions> {
    const { service } = running.server
    let interrupted = false
    const latchkey: Latchkey = {
      ...service.latchkey,
      issue: async (request) => {
        if (!interrupted) await interrupt()
        interrupted = true
        return service.latchkey.issue(request)
      },
    }
    const key = await service.keys.storedKey('server:refresh-key', (bytes) => new RefreshTokens(bytes))
    const refreshTokens = replaceableRefreshTokens(key)
    const { sessionIds, profiles: claims } = service
    return new Sessions(service, { latchkey, sessionIds, claims, refreshTokens }, running.configuration)
  }

  it.each(['revoke', 'disable'] as const)('by %s returns no tokens', async (action) => {
    const { id, refreshToken } = await register(running)
    const sessions = await sessionsInterruptedBy(() => running.server.service.administration[action](operator, id))
    await expect(sessions.refresh(refreshToken, origin)).rejects.toMatchObject({
      code: action === 'revoke' ? 'session_ended' : 'tenant_disabled',
    })
  })

  it('by a logout returns no tokens', async () => {
    const { token, refreshToken } = await register(running)
    const sessions = await sessionsInterruptedBy(() => running.api.post('/v1/logout', { token }))
    await expect(sessions.refresh(refreshToken, origin)).rejects.toMatchObject({ code: 'session_ended' })
  })

  it('by a password change returns no tokens to the holder of the old refresh token', async () => {
    const { token, refreshToken } = await register(running)
    const body = { current_password: password, new_password: 'a different password' }
    const sessions = await sessionsInterruptedBy(() => running.api.post('/v1/me/password', { token, body }))
    await expect(sessions.refresh(refreshToken, origin)).rejects.toMatchObject({ code: 'session_ended' })
  })

  it('by the deletion of the account returns no tokens, and leaves no secret behind', async () => {
    const { id, token, refreshToken } = await register(running)
    const sessions = await sessionsInterruptedBy(() => running.api.delete('/v1/me', { token, body: { password } }))
    await expect(sessions.refresh(refreshToken, origin)).rejects.toMatchObject({ code: 'session_ended' })
    expect(await running.server.service.keys.describe(id)).toBeUndefined()
  })

  it.each([{ role: 'admin' }, { roles: ['editor', 'reviewer'] }, { scope: 'articles:write' }] as const)(
    'by a change to %j applies it to the new token and to the old one',
    async (change) => {
      const { id, token, refreshToken } = await register(running)
      const { administration, latchkey } = running.server.service
      const grants = { ...change, roles: 'roles' in change ? change.roles.join(' ') : undefined }
      const sessions = await sessionsInterruptedBy(() => administration.changeGrants(operator, id, grants))
      const { accessToken } = await sessions.refresh(refreshToken, origin)
      for (const held of [accessToken, token]) expect((await latchkey.verify(held)).grants).toMatchObject(change)
      expect(await tokenState(running, accessToken)).toBe(200)
    },
  )
})
