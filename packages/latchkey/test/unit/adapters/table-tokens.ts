import type { Setup } from '../../support/setup.js'
import { scopes } from './applications/application.js'
import type { Tokens } from './requests.js'

/** Issues the tokens that the requests of the table are made of. */
export async function createTokens({ latchkey, keys, clock }: Setup): Promise<Tokens> {
  const issue = async (subject: string, sessionId = 'session', claims = {}) =>
    (await latchkey.issue({ subject, sessionId, claims, expiresIn: 900 })).token
  const expired = (await latchkey.issue({ subject: 'alice', expiresIn: 1 })).token
  clock.advance(10_000)
  const good = await issue('alice')
  const revoked = await issue('bob')
  await keys.revoke('bob')
  const endedSession = await issue('carol', 'phone')
  await keys.revokeSession('carol', 'phone')
  const other = await issue('alice', 'another')
  const writer = await issue('erin')
  await keys.setGrants('erin', { roles: ['editor'], scope: 'articles:read articles:write' })
  const [header = '', payload = ''] = good.split('.')
  const forgedHeader = { alg: 'HS256', typ: 'at+jwt', kid: 'A'.repeat(32) }
  return {
    good,
    expired,
    revoked,
    endedSession,
    badSignature: `${header}.${payload}.${other.split('.')[2]}`,
    forgedKid: `${Buffer.from(JSON.stringify(forgedHeader)).toString('base64url')}.${payload}.AAAA`,
    oversized: `${header}.${'A'.repeat(8192)}.AAAA`,
    writer,
    pretender: await issue('alice', 'session', {
      scope: 'articles:read articles:write',
      roles: ['editor'],
      role: 'editor',
    }),
    reader: await issue('erin', 'session', { scope: 'articles:read' }),
    listedScope: await issue('erin', 'session', { scope: scopes }),
    pro: await issue('alice', 'session', { plan: 'pro' }),
    listedPlan: await issue('alice', 'session', { plan: ['free', 'team'] }),
    free: await issue('alice', 'session', { plan: 'free' }),
  }
}
