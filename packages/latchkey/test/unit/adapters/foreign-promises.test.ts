import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Latchkey } from '../../../src/latchkey-api.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import { outcomeOf, setUp } from '../../support/setup.js'
import type { Application } from './applications/application.js'
import { applications } from './applications/index.js'
import { call } from './call.js'

/** A promise of another class: an object with the same methods. */
class Foreign<T> {
  readonly #native: Promise<T>

  constructor(native: Promise<T>) {
    this.#native = native
  }

  // biome-ignore lint/suspicious/noThenProperty: promises of other classes have it as well.
  then(...listeners: Parameters<Promise<T>['then']>) {
    return this.#native.then(...listeners)
  }
}

/** A wrapper of an application, whose `verify` always returns a promise of another class. */
function wrapped(latchkey: Latchkey): Latchkey {
  const verify = (token: string) => new Foreign((async () => latchkey.verify(token))())
  return { ...latchkey, verify: verify as unknown as Latchkey['verify'] }
}

describe.each(applications)('the guard of %s, given a promise of another class', (_, start) => {
  const { latchkey, keys } = setUp()
  let application: Application

  beforeAll(async () => {
    application = await start(wrapped(latchkey))
  })
  afterAll(() => application.close())

  const ask = async (token: string) => {
    const { status, text } = await call(application.port, { headers: ['Authorization', `Bearer ${token}`] })
    const { subject, code } = JSON.parse(text)
    return [status, subject ?? code]
  }

  it('waits for it, and lets no request pass before', async () => {
    const { token } = await latchkey.issue({ subject: 'ada' })
    expect(await ask(token)).toEqual([200, 'ada'])
    await keys.revoke('ada')
    expect(await ask(token)).toEqual([401, 'token_revoked'])
    expect(await ask('garbage')).toEqual([401, 'token_malformed'])
  })
})

describe('a process whose global Promise is another class', () => {
  const native = globalThis.Promise
  beforeAll(() => {
    // As Bluebird and zone.js do: promises of async functions are not instances of it.
    globalThis.Promise = class extends native<unknown> {} as PromiseConstructor
  })
  afterAll(() => {
    globalThis.Promise = native
  })

  it('issues and verifies tokens of tenants that it must read', async () => {
    const store = memoryStore()
    const { token } = await setUp({ store }).latchkey.issue({ subject: 'ada' })
    const { latchkey, keys } = setUp({ store })
    expect((await latchkey.verify(token)).subject).toBe('ada')
    await keys.revoke('ada')
    expect(await outcomeOf(() => setUp({ store }).latchkey.verify(token))).toBe('token_revoked')
  })
})
