import type { Latchkey } from 'latchkey'
import { RefreshTokens, replaceableRefreshTokens } from 'latchkey/sessions'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SignIn } from '../../../src/accounts/sign-in.js'
import { operator } from '../../../src/audit/operator.js'
import { Sessions } from '../../../src/sessions/sessions.js'
import { password, register, tokenState } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const origin = { address: '127.0.0.1', userAgent: null }

describe.each(databases)('a refresh or login on %s that is overtaken', (database) => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database })
  })
  afterAll(() => running.stop())

  /**
   * Returns sessions whose refresh runs `interrupt` just before or just after a signature. The
   * session has been read then, but not advanced.
   */
  async function sessionsInterruptedBy(
    interrupt: () => Promise<unknown>,
    when: 'before' | 'after' = 'before',
  ): Promise<Sessions> {
    const { service } = running.server
    let interrupted = false
    const interruptOnce = async () => {
      if (!interrupted) await interrupt()
      interrupted = true
    }
    const latchkey: Latchkey = {
      ...service.latchkey,
      issue: async (request) => {
        if (when === 'before') await interruptOnce()
        const issued = await service.latchkey.issue(request)
        await interruptOnce()
        return issued
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

  it.each(['revoke', 'disable'] as const)('by %s after the signature returns no tokens', async (action) => {
    const { id, refreshToken } = await register(running)
    const interrupt = () => running.server.service.administration[action](operator, id)
    const sessions = await sessionsInterruptedBy(interrupt, 'after')
    await expect(sessions.refresh(refreshToken, origin)).rejects.toMatchObject({ code: 'session_ended' })
  })

  it.each(['/v1/logout', '/v1/logout-all'])('by %s after the signature returns no tokens', async (path) => {
    const { token, refreshToken } = await register(running)
    const sessions = await sessionsInterruptedBy(() => running.api.post(path, { token }), 'after')
    await expect(sessions.refresh(refreshToken, origin)).rejects.toMatchObject({ code: 'session_ended' })
  })

  it('by the deletion of the account after the signature returns no tokens', async () => {
    const { id, token, refreshToken } = await register(running)
    const interrupt = () => running.api.delete('/v1/me', { token, body: { password } })
    const sessions = await sessionsInterruptedBy(interrupt, 'after')
    await expect(sessions.refresh(refreshToken, origin)).rejects.toMatchObject({ code: 'session_ended' })
    expect(await running.server.service.keys.describe(id)).toBeUndefined()
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

  describe('as a login', () => {
    /** Logs in, and runs `interrupt` when the tokens are signed and the session is not stored. */
    async function loginInterruptedBy(email: string, interrupt: () => Promise<unknown>) {
      const { service } = running.server
      const sessions = await sessionsInterruptedBy(interrupt, 'after')
      const signIn = new SignIn(service, { ...service, outbox: service.mail.outbox, sessions }, running.configuration)
      return signIn.login({ email, password }, origin)
    }

    it('by a password change opens no session', async () => {
      const { id, email, token } = await register(running)
      const body = { current_password: password, new_password: 'a different password' }
      const interrupt = () => running.api.post('/v1/me/password', { token, body })
      await expect(loginInterruptedBy(email, interrupt)).rejects.toMatchObject({ code: 'invalid_credentials' })
      expect(await running.server.service.sessions.list(id)).toHaveLength(1)
    })

    it('by disable opens no session', async () => {
      const { id, email } = await register(running)
      const interrupt = () => running.server.service.administration.disable(operator, id)
      await expect(loginInterruptedBy(email, interrupt)).rejects.toMatchObject({ code: 'account_disabled' })
      expect(await running.server.service.sessions.list(id)).toHaveLength(0)
    })

    it('by revoke returns no access token that is accepted', async () => {
      const { id, email } = await register(running)
      const interrupt = () => running.server.service.administration.revoke(operator, id)
      const { tokens } = await loginInterruptedBy(email, interrupt)
      expect(await tokenState(running, tokens.accessToken)).toBe('token_revoked')
      const { status } = await running.api.post('/v1/refresh', { body: { refresh_token: tokens.refreshToken } })
      expect(status).toBe(200)
    })

    it('by the deletion of the account opens no session, and leaves no secret behind', async () => {
      const { id, email, token } = await register(running)
      const interrupt = () => running.api.delete('/v1/me', { token, body: { password } })
      await expect(loginInterruptedBy(email, interrupt)).rejects.toMatchObject({ code: 'invalid_credentials' })
      expect(await running.server.service.keys.describe(id)).toBeUndefined()
    })
  })
})
