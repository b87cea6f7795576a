import { createHmac, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { TenantStore } from '../../../src/secrets/ports.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import { emptySqlite } from '../../support/databases.js'
import { outcomeOf, setUp } from '../../support/setup.js'

const people = Array.from({ length: 120 }, (_, number) => `person-${number}`)

/** Two processes over one store, with tokens of three tenants. */
async function twoProcesses(store: TenantStore = memoryStore()) {
  const [one, other] = [setUp({ store }), setUp({ store })]
  const tokens = new Map<string, string>()
  for (const subject of people) tokens.set(subject, (await one.latchkey.issue({ subject })).token)
  await other.latchkey.verify(tokens.get('person-0') ?? '')
  return { store, one, other, tokens }
}

/** A store whose changes of settings fail when `mayFail` says so, before or after the commit. */
function failing(inner: TenantStore, mayFail: () => 'before' | 'after' | undefined): TenantStore {
  return new Proxy(inner, {
    get(target, name) {
      const member = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      if (name !== 'changeSettings' && name !== 'transaction') return member.bind(target)
      return async (...args: unknown[]) => {
        const when = mayFail()
        if (when === 'before') throw new Error('Killed.')
        const result = await Reflect.apply(member, target, args)
        if (when === 'after') throw new Error('Killed.')
        return result
      }
    },
  })
}

describe('the keys that processes share', () => {
  it('are read in a transaction of the caller, also while that one blocks the renewal of an expired lease', async () => {
    const database = await emptySqlite()
    const store = database.open()
    await store.migrate()
    const { keys, clock } = setUp({ store })
    await keys.provision('ada')
    clock.advance(120_000)
    await store.transaction(async (client) => {
      await keys.rotate('ada', { client })
    })
    expect((await keys.describe('ada'))?.secrets.length).toBe(2)
    await keys.close()
    await database.remove()
  })
})

describe('a replacement of all keys (C7)', () => {
  it('ends every token in every process, creates a new secret for every tenant, and lets all tenants sign in', async () => {
    const { one, other, tokens } = await twoProcesses()
    const before = await other.keys.describe('person-1')
    expect(await one.keys.replaceKeys()).toBe(people.length)
    for (const token of tokens.values()) {
      expect(await outcomeOf(() => one.latchkey.verify(token))).toBe('token_revoked')
      expect(await outcomeOf(() => other.latchkey.verify(token))).toBe('token_revoked')
    }
    const after = await other.keys.describe('person-1')
    expect(after?.secrets.map(({ kid }) => kid)).not.toEqual(before?.secrets.map(({ kid }) => kid))
    const { token } = await other.latchkey.issue({ subject: 'person-1' })
    expect(await one.latchkey.verify(token)).toMatchObject({ subject: 'person-1' })
    expect(await one.keys.replaceKeys()).toBe(people.length)
    expect(await outcomeOf(() => other.latchkey.verify(token))).toBe('token_revoked')
  })

  it('resumes wherever it was killed, and leaves no earlier secret and key', async () => {
    for (let step = 0; step < 6; step += 1) {
      for (const when of ['before', 'after'] as const) {
        const inner = memoryStore()
        const { one, other, tokens } = await twoProcesses(inner)
        const kidsBefore = new Set((await kidsOf(inner)).keys())
        let steps = 0
        const killed = setUp({ store: failing(inner, () => (steps++ === step ? when : undefined)) })
        await killed.keys.replaceKeys().catch(() => {})
        // In every intermediate state, tenants can sign in in every process.
        const { token } = await other.latchkey.issue({ subject: 'person-3' })
        expect(await one.latchkey.verify(token)).toMatchObject({ subject: 'person-3' })
        await other.keys.replaceKeys()
        expect([...(await kidsOf(inner)).keys()].filter((kid) => kidsBefore.has(kid))).toEqual([])
        for (const process of [one, other]) {
          // Nothing remains of the key before the last one.
          const outcome = await outcomeOf(() => process.latchkey.verify(tokens.get('person-2') ?? ''))
          expect(['token_revoked', 'kid_unknown']).toContain(outcome)
        }
        const names = (await inner.readSettings()).map(({ name }) => name)
        expect(names.filter((name) => /^(next|ending):/.test(name))).toEqual([])
      }
    }
  })

  it('ends the other keys only once every process uses the new ones', async () => {
    const { one, other, tokens } = await twoProcesses()
    let outcome: unknown
    await one.keys.replaceKeys({
      end: async () => {
        outcome = await outcomeOf(() => other.latchkey.verify(tokens.get('person-9') ?? ''))
      },
    })
    expect(outcome).toBe('token_revoked')
  })

  it('never makes a process refuse a token that another process has issued with the new keys', async () => {
    const { one, other } = await twoProcesses()
    let done = false
    const refusals: unknown[] = []
    const use = async () => {
      while (!done) {
        const { token, expiresAt } = await one.latchkey.issue({ subject: 'person-5' })
        expect(expiresAt).toBeGreaterThan(0)
        const outcome = await outcomeOf(() => other.latchkey.verify(token))
        if (outcome === 'kid_unknown') refusals.push(outcome)
        await new Promise(setImmediate)
      }
    }
    const using = use()
    await one.keys.replaceKeys()
    done = true
    await using
    expect(refusals).toEqual([])
  })

  it('costs no read for key IDs that are forged with the earlier key', async () => {
    let calls = 0
    const inner = memoryStore()
    const counted = new Proxy(inner, {
      get(target, name) {
        const member = Reflect.get(target, name)
        if (typeof member !== 'function') return member
        return (...args: unknown[]) => {
          calls += 1
          return Reflect.apply(member, target, args)
        }
      },
    })
    const { one, tokens } = await twoProcesses(counted)
    const stolen = await keyOf(one, 'kid-key')
    await one.keys.replaceKeys()
    await one.keys.ensureKeys()
    const [, payload] = (tokens.get('person-1') ?? '').split('.')
    const before = calls
    for (let count = 0; count < 500; count += 1) {
      const id = randomBytes(16)
      const kid = Buffer.concat([id, createHmac('sha256', stolen).update(id).digest().subarray(0, 8)]).toString(
        'base64url',
      )
      const header = Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'at+jwt', kid })).toString('base64url')
      expect(await outcomeOf(() => one.latchkey.verify(`${header}.${payload}.AAAA`))).toBe('token_revoked')
    }
    expect(calls).toBe(before)
  })

  it('reports the next version of a stored key to its users before the version is used', async () => {
    const { one, other } = await twoProcesses()
    const name = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
    const [made, shown] = [await one.keys.storedKey('a-key', name), await other.keys.storedKey('a-key', name)]
    const first = made.current
    expect([shown.current, shown.accepted, shown.replaced]).toEqual([first, [first], undefined])
    await one.keys.replaceKeys({
      end: async () => {
        await Promise.all([one.keys.ensureKeys(), other.keys.ensureKeys()])
        expect([shown.current, shown.replaced, shown.isReplacing]).toEqual([made.current, first, true])
      },
    })
    await Promise.all([one.keys.ensureKeys(), other.keys.ensureKeys()])
    expect(made.current).not.toBe(first)
    expect([shown.current, shown.accepted, shown.isReplacing]).toEqual([made.current, [made.current], false])
  })
})

describe('the count of what a master key has encrypted', () => {
  it('is the sum over all processes', async () => {
    const store = memoryStore()
    const [one, other] = [setUp({ store }), setUp({ store })]
    const before = (await one.keys.encryptions()).get('test') ?? 0
    for (let count = 0; count < 7; count += 1) await one.keys.provision(`a-${count}`)
    for (let count = 0; count < 5; count += 1) await other.keys.provision(`b-${count}`)
    await other.keys.close()
    expect((await one.keys.encryptions()).get('test')).toBe(before + 12)
  })
})

async function kidsOf(store: TenantStore): Promise<Map<string, string>> {
  const tenants = await store.readTenants(people)
  return new Map(
    [...tenants.values()].flatMap(({ tenant, secrets }) => secrets.map(({ kid }) => [kid, tenant] as const)),
  )
}

async function keyOf({ keys }: { keys: ReturnType<typeof setUp>['keys'] }, name: string): Promise<Uint8Array> {
  return (await keys.storedKey(name, (bytes) => Uint8Array.from(bytes))).current
}
