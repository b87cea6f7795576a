import { deepEqual, equal, rejects } from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { TenantStore } from '../../secrets/ports.js'
import type { SessionRecord, SessionStore, StoredSession } from '../../sessions/session-store.js'
import { addSecret, range, secretOf, someTime, stateOf } from './fixtures.js'

/** The store that `createSessions` uses. */
export type SessionContractStore = TenantStore & SessionStore

type Subjects = { readonly store: SessionContractStore; readonly other: SessionContractStore }

/** The tests of `SessionStore` by their names. */
export const sessions: Readonly<Record<string, (subjects: Subjects) => Promise<void>>> = {
  async 'returns a session as it was added'({ store, other }) {
    const full = sessionOf({
      device: 'device',
      userAgent: 'app/1',
      address: '192.0.2.1',
      network: '192.0.2.1',
      counter: 4_294_967_295,
      forks: 2,
      isRepeated: true,
      repeatedRun: 3,
      graceUses: 5,
      graceUsedAt: someTime,
      endedAt: someTime + 1,
    })
    for (const session of [sessionOf(), full]) {
      equal(await add(store, session), true)
      deepEqual(await other.readSession(session.id), { ...session, isRevoked: false })
    }
    equal(await store.readSession(randomUUID()), undefined)
    await rejects(add(other, full))
  },

  async 'adds no session to a tenant that does not exist, or has no secret'({ store }) {
    const session = sessionOf()
    await store.transaction(async (client) => {
      equal(await store.addSession(session, client), false)
    })
    await store.change(session.subject, () => ({ ...stateOf([]), disabledAt: someTime }))
    await store.transaction(async (client) => {
      equal(await store.addSession(session, client), false)
    })
    equal(await store.readSession(session.id), undefined)
  },

  async 'shows nothing of a transaction before its commit, and leaves no trace of one that fails'({ store, other }) {
    const [kept, session] = [sessionOf(), sessionOf()]
    await add(store, kept)
    const reason = new Error('Failed by the test.')
    const work = store.transaction(async (client) => {
      await store.change(session.subject, addSecret, client)
      equal(await store.addSession(session, client), true)
      equal(await store.endSession(kept.subject, kept.id, someTime, client), true)
      const live = await store.listSessions(session.subject, 0, client)
      deepEqual(
        live.map(({ id }) => id),
        [session.id],
      )
      equal(await other.readSession(session.id), undefined)
      equal((await other.readSession(kept.id))?.endedAt, null)
      throw reason
    })
    await rejects(work, reason)
    equal(await other.readSession(session.id), undefined)
    equal((await other.readSession(kept.id))?.endedAt, null)
  },

  async 'lets one of many callers advance a session'({ store, other }) {
    const session = sessionOf()
    await add(store, session)
    const next = rotated(session)
    const advanced = await Promise.all(
      range(12).map((number) => (number % 2 === 0 ? store : other).advanceSession(session, next)),
    )
    equal(advanced.filter(Boolean).length, 1)
    deepEqual(await other.readSession(session.id), { ...next, isRevoked: false })
  },

  async 'counts each of many uses of a replaced token'({ store, other }) {
    const session = sessionOf({ counter: 2 })
    await add(store, session)
    const repeated = { ...session, isRepeated: true, graceUses: 1, graceUsedAt: someTime }
    const first = await Promise.all(
      range(8).map((number) => (number % 2 === 0 ? store : other).advanceSession(session, repeated)),
    )
    equal(first.filter(Boolean).length, 1)
    const again = { ...repeated, graceUses: 2 }
    const others = await Promise.all(
      range(12).map((number) => (number % 2 === 0 ? store : other).advanceSession(repeated, again)),
    )
    deepEqual(new Set(others), new Set([true]))
    equal((await store.readSession(session.id))?.graceUses, 13)
  },

  async 'advances no session that has changed, has ended, was revoked or is unknown'({ store }) {
    const [session, ended, revoked] = [sessionOf(), sessionOf(), sessionOf()]
    for (const one of [session, ended, revoked]) await add(store, one)
    await store.transaction((client) => store.endSession(ended.subject, ended.id, someTime, client))
    await store.change(revoked.subject, () => stateOf([secretOf()]))
    for (const stale of [
      { ...session, counter: 2 },
      { ...session, isRepeated: true },
      { ...session, id: randomUUID() },
      ended,
      revoked,
    ]) {
      equal(await store.advanceSession(stale, rotated(stale)), false)
    }
    deepEqual(await store.readSession(session.id), { ...session, isRevoked: false })
  },

  async 'revokes the sessions of a tenant with a change that leaves none of its secrets'({ store, other }) {
    const [session, bob] = [sessionOf(), sessionOf()]
    await add(store, session)
    await add(store, bob)
    const replace = () => stateOf([secretOf()])
    await rejects(
      store.transaction(async (client) => {
        await store.change(session.subject, replace, client)
        throw new Error('Rolled back by the test.')
      }),
    )
    equal((await other.readSession(session.id))?.isRevoked, false)
    await store.change(session.subject, replace)
    equal((await other.readSession(session.id))?.isRevoked, true)
    deepEqual(await other.listSessions(session.subject, 0), [])
    equal((await other.readSession(bob.id))?.isRevoked, false)
    const anew = sessionOf({ subject: session.subject })
    equal(await add(store, anew), true)
    await store.change(session.subject, () => ({ ...stateOf([]), disabledAt: someTime }))
    await store.change(session.subject, replace)
    equal((await other.readSession(anew.id))?.isRevoked, true)
    equal((await other.readSession(session.id))?.isRevoked, true)
  },

  async 'keeps the sessions of a tenant with a change that leaves one of its secrets'({ store, other }) {
    const session = sessionOf()
    await add(store, session)
    for (const _ of range(3)) await store.change(session.subject, addSecret)
    // Only the newest is left, as long after a rotation.
    await store.change(session.subject, (current) => stateOf(current?.secrets.slice(-1) ?? []))
    await store.change(session.subject, addSecret)
    deepEqual(await other.readSession(session.id), { ...session, isRevoked: false })
    equal(await other.advanceSession(session, rotated(session)), true)
  },

  async 'deletes the sessions of a tenant with it'({ store, other }) {
    const session = sessionOf()
    await add(store, session)
    await store.change(session.subject, () => undefined)
    equal(await other.readSession(session.id), undefined)
    await store.change(session.subject, addSecret)
    equal(await other.readSession(session.id), undefined)
    deepEqual(await other.listSessions(session.subject, 0), [])
  },

  async 'lists the live sessions of a tenant'({ store, other }) {
    const live = sessionOf({ endsAt: someTime + 1 })
    const { subject } = live
    const ended = sessionOf({ subject, endedAt: someTime })
    const past = sessionOf({ subject, endsAt: someTime })
    for (const session of [live, ended, past, sessionOf()]) await add(store, session)
    deepEqual(await other.listSessions(subject, someTime), [{ ...live, isRevoked: false }])
    deepEqual(await other.listSessions('absent', 0), [])
  },

  async 'ends a session of the tenant once'({ store, other }) {
    const session = sessionOf()
    await add(store, session)
    const end = (user: SessionContractStore, subject: string, id: string) =>
      user.transaction((client) => user.endSession(subject, id, someTime, client))
    equal(await end(store, 'another', session.id), false)
    equal(await end(store, session.subject, randomUUID()), false)
    const ends = await Promise.all(
      range(8).map((number) => end(number % 2 === 0 ? store : other, session.subject, session.id)),
    )
    equal(ends.filter(Boolean).length, 1)
    deepEqual(await other.readSession(session.id), {
      ...session,
      endedAt: someTime,
      endsAt: someTime,
      isRevoked: false,
    })
  },

  async 'deletes sessions past their end, as many as asked for'({ store, other }) {
    const past = range(5).map(() => sessionOf({ endsAt: 1000 }))
    const [last, live] = [sessionOf({ endsAt: 2000 }), sessionOf()]
    for (const session of [...past, last, live]) await add(store, session)
    equal(await other.pruneSessions(2000, 3), 3)
    equal(await store.pruneSessions(2000, 3), 2)
    equal(await store.pruneSessions(2000, 3), 0)
    for (const { id } of past) equal(await other.readSession(id), undefined)
    for (const { id } of [last, live]) equal((await other.readSession(id))?.id, id)
  },

  async 'lets no refresh through that races with a revocation or the end of its session'({ store, other }) {
    for (const number of range(20)) {
      const session = sessionOf()
      await add(store, session)
      const end = () =>
        number % 2 === 0
          ? other.change(session.subject, () => stateOf([secretOf()]))
          : other.transaction(async (client) => {
              await other.change(session.subject, addSecret, client)
              return other.endSession(session.subject, session.id, someTime, client)
            })
      await Promise.all([refreshUntilRefused(store, session), end()])
      const after = (await store.readSession(session.id)) as StoredSession
      equal(after.isRevoked || after.endedAt !== null, true)
      equal(await store.advanceSession(after, rotated(after)), false)
    }
  },

  async 'starts no session that outlives a revocation before its commit'({ store, other }) {
    for (const number of range(20)) {
      const session = sessionOf()
      const [before, after] = [secretOf(), secretOf()]
      await store.change(session.subject, () => stateOf([before]))
      const start = () =>
        store.transaction(async (client) => {
          const locked = await store.change(session.subject, (current) => current, client)
          equal(await store.addSession(session, client), true)
          return locked?.secrets[0]?.kid
        })
      const revoke = () => other.change(session.subject, () => stateOf([after]))
      const [kid] = number % 2 === 0 ? await Promise.all([start(), revoke()]) : await reversed(revoke, start)
      equal((await store.readSession(session.id))?.isRevoked, kid === before.kid)
    }
  },
}

async function reversed<T>(first: () => Promise<unknown>, second: () => Promise<T>): Promise<readonly [T]> {
  const [, result] = await Promise.all([first(), second()])
  return [result]
}

/** Advances a session until the store refuses to. */
async function refreshUntilRefused(store: SessionContractStore, session: SessionRecord): Promise<void> {
  let current = session
  while (await store.advanceSession(current, rotated(current))) current = rotated(current)
}

/** Returns a live session of a new tenant. */
function sessionOf(fields: Partial<SessionRecord> = {}): SessionRecord {
  return {
    id: randomUUID(),
    subject: randomUUID(),
    salt: 'salt',
    counter: 1,
    forks: 0,
    isRepeated: false,
    repeatedRun: 0,
    device: null,
    userAgent: null,
    address: null,
    network: null,
    createdAt: someTime,
    rotatedAt: someTime,
    usedAt: someTime,
    // After the end of every test, by the clock of the database.
    endsAt: 10 * someTime,
    expiresAt: 10 * someTime,
    endedAt: null,
    graceUses: 0,
    graceUsedAt: null,
    ...fields,
  }
}

function rotated(session: SessionRecord): SessionRecord {
  return {
    ...session,
    counter: session.counter + 1,
    isRepeated: false,
    device: 'device',
    userAgent: 'app/2',
    address: '192.0.2.2',
    network: '192.0.2.2',
    rotatedAt: session.rotatedAt + 1,
    usedAt: session.usedAt + 1,
    endsAt: session.endsAt - 1,
  }
}

/** Adds the session, and a secret for its tenant unless it has one. */
function add(store: SessionContractStore, session: SessionRecord): Promise<boolean> {
  return store.transaction(async (client) => {
    await store.change(session.subject, (current) => current ?? stateOf([secretOf()]), client)
    return store.addSession(session, client)
  })
}
