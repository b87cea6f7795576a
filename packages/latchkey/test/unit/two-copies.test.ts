import { createRequire } from 'node:module'
import { inspect } from 'node:util'
import type { Latchkey, LatchkeyError, TenantSecrets, TenantSecretsOptions, VerifyMessage } from 'latchkey'
import * as ofModules from 'latchkey'
import * as fetchOfModules from 'latchkey/fetch'
import type { MemoryTransaction } from 'latchkey/memory'
import * as memoryOfModules from 'latchkey/memory'
import { describe, expect, it, onTestFinished } from 'vitest'
import { recordChannel } from '../support/record-channel.js'
import { outcomeOf } from '../support/setup.js'

// A process has two copies of the library if it loads both builds: an application of ES modules
// whose tests or plugins are CommonJS.

const load = createRequire(import.meta.url)

interface Copy {
  readonly library: typeof ofModules
  readonly memory: typeof memoryOfModules
  readonly fetch: typeof fetchOfModules
}

const modules: Copy = { library: ofModules, memory: memoryOfModules, fetch: fetchOfModules }
const commonjs: Copy = {
  library: load('latchkey'),
  memory: load('latchkey/memory'),
  fetch: load('latchkey/fetch'),
}

const masterKeys = ofModules.Keyring.generate('test')

const keysOf = ({ library }: Copy, store: TenantSecretsOptions<MemoryTransaction>['store']) => {
  const keys: TenantSecrets<MemoryTransaction> = library.tenantSecrets({ store, masterKeys })
  onTestFinished(() => keys.close())
  return keys
}

const latchkeyOf = ({ library }: Copy, keys: ofModules.KeySource): Latchkey =>
  library.createLatchkey({ issuer: 'https://issuer.test', audience: 'test', keys })

it('are two copies, with classes of their own', () => {
  expect(commonjs.library.Keyring).not.toBe(modules.library.Keyring)
})

describe.each([
  ['of CommonJS', 'of ES modules', commonjs, modules],
  ['of ES modules', 'of CommonJS', modules, commonjs],
])('the copy %s', (_one, _other, one, other) => {
  const errorOf = async (call: () => unknown) => {
    try {
      return await call()
    } catch (error) {
      return error
    }
  }

  it('recognises errors that the other has thrown, by function and by class', async () => {
    const latchkey = latchkeyOf(other, keysOf(other, other.memory.memoryStore()))
    const error = await errorOf(() => latchkey.verify('a.b.c'))
    expect(one.library.isLatchkeyError(error)).toBe(true)
    expect(one.library.isFailure(error)).toBe(true)
    expect(error).toBeInstanceOf(one.library.LatchkeyError)
    expect(error).toBeInstanceOf(one.library.FailureError)
    expect(one.fetch.problemResponse(error as LatchkeyError).status).toBe(401)
  })

  it('takes keys, stores and transactions of the other', async () => {
    const store = other.memory.memoryStore()
    const keys = keysOf(one, store)
    const latchkey = latchkeyOf(other, keys)
    const { token } = await latchkey.issue({ subject: 'ada' })
    expect(await latchkey.verify(token)).toMatchObject({ subject: 'ada' })
    await store.transaction((client) => keys.revoke('ada', { client }))
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_revoked')
  })

  it('refuses a transaction of a store that is not its own', async () => {
    const keys = keysOf(one, one.memory.memoryStore())
    await keys.provision('ada')
    const call = other.memory.memoryStore().transaction((client) => keys.revoke('ada', { client }))
    await expect(call).rejects.toThrow(TypeError)
  })

  it('guards requests with a Latchkey of the other', async () => {
    const latchkey = latchkeyOf(other, keysOf(other, other.memory.memoryStore()))
    const { token } = await latchkey.issue({ subject: 'ada' })
    const request = (headers: Record<string, string>) => new Request('https://api.test/', { headers })
    const authorization = `Bearer ${token}`
    expect(await one.fetch.authenticate(latchkey, request({ authorization }))).toMatchObject({ subject: 'ada' })
    const refused = await errorOf(() => one.fetch.authenticate(latchkey, request({})))
    expect(refused).toMatchObject({ code: 'credentials_missing' })
    expect(other.library.isLatchkeyError(refused)).toBe(true)
  })

  it('watches an identity that the other has verified', async () => {
    const keys = keysOf(one, one.memory.memoryStore())
    const { token } = await latchkeyOf(other, keys).issue({ subject: 'ada' })
    const auth = await latchkeyOf(other, keys).verify(token)
    const ended = new Promise<LatchkeyError>((resolve) => latchkeyOf(one, keys).watch(auth, resolve))
    await keys.revoke('ada')
    expect(await ended).toMatchObject({ code: 'token_revoked' })
  })

  it('publishes on the channels of the other', async () => {
    const messages = recordChannel<VerifyMessage>('latchkey:verify')
    const latchkeys = [one, other].map((copy) => latchkeyOf(copy, keysOf(copy, copy.memory.memoryStore())))
    for (const latchkey of latchkeys) await outcomeOf(() => latchkey.verify('a.b.c'))
    expect(messages.map(({ source }) => source)).toEqual(latchkeys)
  })
})

describe('the token of an identity', () => {
  const verified = async () => {
    const latchkey = latchkeyOf(modules, keysOf(modules, modules.memory.memoryStore()))
    const { token } = await latchkey.issue({ subject: 'ada' })
    return { latchkey, token, auth: await latchkey.verify(token) }
  }

  it('is in no output', async () => {
    const { token, auth } = await verified()
    const shown = [JSON.stringify(auth), inspect(auth, { showHidden: true, getters: true, depth: 9 })]
    expect(shown.filter((text) => text.includes(token.split('.')[2] ?? token))).toEqual([])
    expect(Reflect.ownKeys(auth).map((name) => Reflect.get(auth, name))).not.toContain(token)
  })

  it('is not in a copy, which cannot be watched', async () => {
    const { latchkey, auth } = await verified()
    expect(() => latchkey.watch({ ...auth }, () => {})).toThrow(TypeError)
    expect(() => latchkey.watch(structuredClone(auth), () => {})).toThrow(TypeError)
  })
})
