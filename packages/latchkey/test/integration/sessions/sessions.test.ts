import { createHash } from 'node:crypto'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createSessions,
  parseRefreshToken,
  type Sessions,
  type SessionsOptions,
  type SessionTokens,
} from '../../../src/sessions/index.js'
import type { SqlClient, SqlStore } from '../../../src/stores/sql/index.js'
import type { TenantSecrets } from '../../../src/tenant-secrets/tenant-secrets-api.js'
import { createFakeClock, type FakeClock } from '../../../src/testing/fake-clock.js'
import { type EmptyDatabase, emptyPostgres, emptySqlite } from '../../support/databases.js'
import { orms } from '../../support/orms.js'
import { type ModelClient, RefreshModel, type RefreshStep, refreshSteps } from '../../support/refresh-model.js'
import { outcomeOf, setUp } from '../../support/setup.js'

/** One process of an application. */
interface Process {
  readonly store: SqlStore
  readonly keys: TenantSecrets<SqlClient>
  readonly sessions: Sessions<SqlClient>
  sessionsWith(options: Partial<SessionsOptions<SqlClient>>): Sessions<SqlClient>
  verify(token: string): Promise<unknown>
  close(): Promise<void>
}

function openProcess(database: EmptyDatabase, clock: FakeClock): Process {
  const store = database.open()
  const { keys, latchkey } = setUp({ store, clock })
  const ofStore = keys as TenantSecrets<SqlClient>
  const sessionsWith = (options: Partial<SessionsOptions<SqlClient>>) =>
    createSessions<SqlClient>({ latchkey, keys: ofStore, store, clock, ...options })
  return {
    store,
    keys: ofStore,
    sessions: sessionsWith({}),
    sessionsWith,
    verify: (token) => outcomeOf(async () => (await latchkey.verify(token)).sessionId),
    close: () => latchkey.close(),
  }
}

const refused = async (refreshing: Promise<SessionTokens>) => {
  const outcome = await outcomeOf(() => refreshing)
  return typeof outcome === 'string' ? outcome : undefined
}

const rounds = Array.from({ length: 25 }, (_, round) => round)

describe.each([
  ['SQLite', emptySqlite],
  ['PostgreSQL', emptyPostgres],
])('sessions of two processes on %s', (_, create) => {
  const clock = createFakeClock(Date.now())
  let database: EmptyDatabase
  let one: Process
  let two: Process
  let users = 0

  beforeAll(async () => {
    database = await create()
    await database.open().migrate()
    one = openProcess(database, clock)
    two = openProcess(database, clock)
  })
  afterAll(async () => {
    await Promise.all([one.close(), two.close()])
    await database.remove()
  })

  const newUser = () => {
    users += 1
    return `user-${users}`
  }

  it('are refreshed by either, and refused by both after their end', async () => {
    const user = newUser()
    const first = await one.sessions.start(user)
    const second = await two.sessions.refresh(first.refreshToken)
    expect(await one.verify(second.accessToken)).toBe(first.session.id)
    expect(await two.sessions.end(user, first.session.id, { everywhere: true })).toBe(true)
    for (const { sessions, verify } of [one, two]) {
      expect(await verify(second.accessToken)).toBe('session_ended')
      expect(await refused(sessions.refresh(second.refreshToken))).toBe('session_ended')
    }
  })

  it('return one successor to all tabs that refresh at once', async () => {
    const { refreshToken } = await one.sessions.start(newUser())
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, number) => (number % 2 === 0 ? one : two).sessions.refresh(refreshToken)),
    )
    expect(new Set(answers.map((answer) => answer.refreshToken)).size).toBe(1)
    const next = await two.sessions.refresh(answers[0]?.refreshToken ?? '')
    expect(next.session.graceUses).toBe(15)
  })

  it('end once when many present a stolen token at once', async () => {
    const user = newUser()
    const first = await one.sessions.start(user)
    const second = await one.sessions.refresh(first.refreshToken)
    await two.sessions.refresh(second.refreshToken)
    const codes = await Promise.all(
      Array.from({ length: 10 }, (_, number) =>
        refused((number % 2 === 0 ? one : two).sessions.refresh(first.refreshToken)),
      ),
    )
    expect([...new Set(codes)].filter((code) => code !== 'session_ended')).toEqual(['refresh_token_reused'])
    expect(await two.sessions.list(user)).toEqual([])
  })

  it.each([
    ['revoke', (user: string) => two.keys.revoke(user)],
    ['disable', (user: string) => two.keys.disable(user)],
    ['the end of the session', (user: string, id: string) => two.sessions.end(user, id)],
    ['the end of other sessions', (user: string) => two.sessions.endAll(user, { except: 'none' })],
  ])('leave nothing valid of a refresh that races with %s', async (_, end) => {
    for (const round of rounds) {
      const user = newUser()
      const { refreshToken, session } = await one.sessions.start(user)
      const refreshing = outcomeOf(() => one.sessions.refresh(refreshToken))
      // The interleaving differs in each round.
      for (let turn = 0; turn < round % 6; turn += 1) await Promise.resolve()
      if (round % 5 === 4) await new Promise((resolve) => setImmediate(resolve))
      const [outcome] = await Promise.all([refreshing, end(user, session.id)])
      await two.keys.waitForPropagation()
      expect(await refused(one.sessions.refresh(refreshToken))).toBe('session_ended')
      if (typeof outcome !== 'object') continue
      const late = outcome as SessionTokens
      for (const { verify, sessions } of [one, two]) {
        expect(['token_revoked', 'session_ended']).toContain(await verify(late.accessToken))
        expect(await refused(sessions.refresh(late.refreshToken))).toBe('session_ended')
      }
    }
  })

  it.each([
    ['revoked', (user: string) => two.keys.revoke(user, { everywhere: true })],
    ['signed out', (user: string) => two.sessions.endAll(user, { except: 'none', everywhere: true })],
  ])('return no tokens of a subject that was %s before the signature of a refresh', async (_, end) => {
    const user = newUser()
    const { refreshToken } = await one.sessions.start(user)
    // The session has been read when the claims are.
    const late = one.sessionsWith({
      claims: async () => {
        await end(user)
        return {}
      },
    })
    expect(await refused(late.refresh(refreshToken))).toBe('session_ended')
  })

  it('never exceed their limit, however many begin at once', async () => {
    const user = newUser()
    const limited = [one, two].map((process) => process.sessionsWith({ maxSessions: 3 }))
    await Promise.all(Array.from({ length: 6 }, () => limited.map((sessions) => sessions.start(user))).flat())
    expect(await one.sessions.list(user)).toHaveLength(3)
  })

  it('do not survive a revocation that races with their start', async () => {
    for (const round of rounds) {
      const user = newUser()
      await one.keys.provision(user)
      const starting = outcomeOf(() => one.sessions.start(user))
      for (let turn = 0; turn < round; turn += 1) await Promise.resolve()
      const [outcome] = await Promise.all([starting, two.keys.revoke(user)])
      await two.keys.waitForPropagation()
      if (typeof outcome !== 'object') continue
      const { accessToken, refreshToken } = outcome as SessionTokens
      // Started before the revocation, or completely after it.
      const isAfter = (await one.verify(accessToken)) !== 'token_revoked'
      expect((await refused(two.sessions.refresh(refreshToken))) === undefined).toBe(isAfter)
    }
  })

  it('never deadlock, whatever one subject does at once', async () => {
    const user = newUser()
    const started = await Promise.all(Array.from({ length: 8 }, () => one.sessions.start(user)))
    const calls = started.flatMap(({ refreshToken, session }, number) => [
      () => one.sessions.refresh(refreshToken),
      () => two.sessions.refresh(refreshToken),
      () => (number % 3 === 0 ? two.sessions.end(user, session.id) : one.sessions.start(user)),
      () => (number % 4 === 0 ? two.sessions.endAll(user, { except: session.id }) : two.sessions.list(user)),
      () => (number === 5 ? one.keys.revoke(user) : one.keys.rotate(user)),
      () => two.sessions.prune(),
    ])
    const outcomes = await Promise.all(calls.map((call) => outcomeOf(call)))
    const codes = outcomes.filter((outcome) => typeof outcome === 'string')
    expect(codes.filter((code) => !['session_ended', 'too_many_rotations'].includes(code as string))).toEqual([])
  })

  it('behave as the model of an owner and a thief, step by step', async () => {
    const device = 'device-of-the-client'
    const binding = createHash('sha256').update(device).digest('base64url')
    const run = async (steps: readonly RefreshStep[], bound: { owner: boolean; thief: boolean }) => {
      const clientOf = (isBound: boolean): ModelClient => ({
        device: isBound ? binding : null,
        userAgent: 'app/1',
        network: '192.0.2.1',
      })
      const originOf = ({ device: hash, userAgent, network }: ModelClient) => ({
        ...(hash === null ? {} : { device }),
        ...(userAgent === null ? {} : { userAgent }),
        address: network,
      })
      const user = newUser()
      const started = await one.sessions.start(user, originOf(clientOf(false)))
      const parties = {
        owner: { client: clientOf(bound.owner), held: started.refreshToken },
        thief: { client: clientOf(bound.thief), held: '' },
      }
      const model = new RefreshModel(clientOf(false), clock.now())
      for (const [index, step] of steps.entries()) {
        if (step.kind === 'wait') clock.advance(Math.abs(step.ms))
        else if (step.kind === 'steal') parties.thief.held = parties.owner.held
        else if (step.kind === 'move') {
          const party = parties[step.by]
          party.client = { ...party.client, network: step.network }
        } else {
          const party = parties[step.by]
          if (party.held === '') continue
          const counter = parseRefreshToken(party.held)?.counter ?? 0
          const expected = model.present(counter, party.client, clock.now())
          const { sessions } = index % 2 === 0 ? one : two
          const outcome = await outcomeOf(() => sessions.refresh(party.held, originOf(party.client)))
          if (typeof outcome === 'string') {
            expect(expected.successor).toBeUndefined()
            expect(outcome).toBe(expected.verdict === 'ended' ? 'session_ended' : 'refresh_token_reused')
          } else {
            const { refreshToken, session } = outcome as SessionTokens
            expect(parseRefreshToken(refreshToken)?.counter).toBe(expected.successor)
            expect(session.graceUses).toBe(model.graceUses)
            if (!step.lost) party.held = refreshToken
          }
        }
      }
      expect((await two.sessions.list(user)).length).toBe(model.ended ? 0 : 1)
    }
    const devices = fc.record({ owner: fc.boolean(), thief: fc.boolean() })
    await fc.assert(fc.asyncProperty(refreshSteps, devices, run), { numRuns: 40, endOnFailure: true })
  })

  it('are stored and ended with a transaction of the store', async () => {
    const user = newUser()
    await one.keys.provision(user)
    const kept = await one.sessions.start(user)
    const failing = one.store.transaction(async (client) => {
      await one.sessions.start(user, { client })
      await one.sessions.endAll(user, { except: 'none', client })
      throw new Error('Rolled back by the test.')
    })
    await expect(failing).rejects.toThrow('Rolled back')
    expect((await two.sessions.list(user)).map(({ id }) => id)).toEqual([kept.session.id])
    const { refreshToken } = await one.store.transaction(async (client) => {
      await one.sessions.end(user, kept.session.id, { client })
      return one.sessions.start(user, { client })
    })
    expect(await refused(two.sessions.refresh(kept.refreshToken))).toBe('session_ended')
    expect(await refused(two.sessions.refresh(refreshToken))).toBeUndefined()
    expect(await outcomeOf(() => one.store.transaction((client) => one.sessions.start(newUser(), { client })))).toBe(
      'tenant_unknown',
    )
    await expect(one.sessions.start(user, { client: one.store })).rejects.toThrow(TypeError)
  })

  it('give no tokens of another subject to a writer of the database who moves them there', async () => {
    const [eve, ada] = [newUser(), newUser()]
    const { refreshToken, session } = await one.sessions.start(eve)
    await one.sessions.start(ada)
    await one.store.query(
      `update latchkey_sessions set tenant_id = $2, first_kid = (select first_kid from latchkey_tenants where tenant_id = $2)
       where session_id = $1`,
      [session.id, ada],
    )
    expect(await two.sessions.list(ada)).toHaveLength(2)
    expect(await refused(one.sessions.refresh(refreshToken))).toBe('refresh_token_invalid')
  })

  it('are not stored with any token', async () => {
    const device = 'a device token that is random'
    const { refreshToken, accessToken } = await one.sessions.start(newUser(), { device })
    const next = await one.sessions.refresh(refreshToken, { device })
    const text = JSON.stringify((await one.store.query('select * from latchkey_sessions')).rows)
    for (const secret of [refreshToken, next.refreshToken]) {
      const tag = Buffer.from(secret, 'base64url').subarray(20)
      for (const hidden of [secret, tag.toString('base64url'), tag.toString('hex')]) expect(text).not.toContain(hidden)
    }
    expect(text).not.toContain(accessToken.split('.')[2])
    expect(text).not.toContain(device)
  })

  it('are deleted a day after their end, whatever clock is ahead', async () => {
    const user = newUser()
    const { session, refreshToken } = await one.sessions.start(user)
    await one.sessions.end(user, session.id)
    const ahead = one.sessionsWith({ clock: { ...clock, now: () => clock.now() + 1e12 } })
    const live = await one.sessions.start(user)
    await ahead.prune()
    expect(await refused(two.sessions.refresh(live.refreshToken))).toBeUndefined()
    expect(['session_ended', 'refresh_token_invalid']).toContain(await refused(two.sessions.refresh(refreshToken)))
  })
})

describe.each([
  ['SQLite', emptySqlite],
  ['PostgreSQL', emptyPostgres],
])('tenants on %s that were stored before sessions were', (_, create) => {
  it('have sessions, which a rotation keeps and a revocation ends', async () => {
    const clock = createFakeClock(Date.now())
    const database = await create()
    const before = openProcess(database, clock)
    await before.store.migrate()
    await before.keys.provision('ada')
    await before.keys.rotate('ada')
    for (const statement of [
      'drop table latchkey_sessions',
      'alter table latchkey_tenants drop column first_kid',
      `delete from latchkey_migrations where set_name = 'latchkey' and name = 'sessions'`,
    ]) {
      await before.store.query(statement)
    }
    await before.close()
    const { store, sessions, keys, close } = openProcess(database, clock)
    await store.migrate()
    const first = await sessions.start('ada')
    await keys.rotate('ada')
    const second = await sessions.refresh(first.refreshToken)
    await keys.revoke('ada')
    expect(await refused(sessions.refresh(second.refreshToken))).toBe('session_ended')
    expect(await refused(sessions.refresh((await sessions.start('ada')).refreshToken))).toBeUndefined()
    await close()
    await database.remove()
  })
})

describe('sessions in a transaction of PostgreSQL that the caller has begun', () => {
  let database: Awaited<ReturnType<typeof emptyPostgres>>
  let process: Process

  beforeAll(async () => {
    database = await emptyPostgres()
    await database.open().migrate()
    process = openProcess(database, createFakeClock(Date.now()))
  })
  afterAll(async () => {
    await process.close()
    await database.remove()
  })

  const check = async (run: (work: (client: SqlClient) => Promise<void>) => Promise<void>) => {
    const { sessions, keys } = process
    await keys.provision('ada')
    const kept = await sessions.start('ada')
    let inside: SessionTokens | undefined
    await expect(
      run(async (client) => {
        inside = await sessions.start('ada', { client })
        throw new Error('Rolled back by the test.')
      }),
    ).rejects.toThrow()
    expect(await refused(sessions.refresh(inside?.refreshToken ?? ''))).toBe('refresh_token_invalid')
    await run(async (client) => {
      inside = await sessions.start('ada', { client })
      await sessions.endAll('ada', { except: inside.session.id, client })
    })
    expect(await refused(sessions.refresh(kept.refreshToken))).toBe('session_ended')
    expect(await refused(sessions.refresh(inside?.refreshToken ?? ''))).toBeUndefined()
    await run((client) => keys.revoke('ada', { client }))
    expect(await sessions.list('ada')).toEqual([])
  }

  it('with pg', async () => {
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    try {
      await check(async (work) => {
        await client.query('begin')
        try {
          await work(client)
          await client.query('commit')
        } catch (error) {
          await client.query('rollback')
          throw error
        }
      })
    } finally {
      await client.end()
    }
  })

  it.each(Object.keys(orms))('with %s', async (name) => {
    const orm = await orms[name]?.(database.url)
    if (orm === undefined) throw new Error(`There is no library ${name}.`)
    try {
      await check((work) => orm.transaction(work))
    } finally {
      await orm.close()
    }
  })
})
