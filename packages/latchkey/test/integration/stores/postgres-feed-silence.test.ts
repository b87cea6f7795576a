import { beforeEach, describe, expect, it } from 'vitest'
import { startTcpProxy, type TcpProxy } from '../../../../../test/support/tcp-proxy.js'
import { postgresStore } from '../../../src/stores/postgres/index.js'
import type { SqlStore } from '../../../src/stores/sql/index.js'
import { addSecret } from '../../../src/testing/store-contract/fixtures.js'
import { Recorder } from '../../../src/testing/store-contract/recorder.js'
import { cleanUpsOfEachTest } from '../../support/clean-ups.js'
import { emptyPostgres, migratedDatabase } from '../../support/databases.js'

/**
 * Returns the messages of PostgreSQL's protocol in a chunk: a letter, and a length that includes
 * itself.
 */
function messagesOf(data: Buffer): { readonly type: string; readonly end: number; readonly text: string }[] {
  const messages = []
  for (let at = 0; at + 5 <= data.length; ) {
    const end = at + 1 + data.readUInt32BE(at + 1)
    messages.push({ type: String.fromCharCode(data[at] ?? 0), end, text: data.subarray(at, end).toString('latin1') })
    at = end
  }
  return messages
}

describe('a feed whose link goes silent without closing', () => {
  let database: Awaited<ReturnType<typeof emptyPostgres>>
  let store: SqlStore
  let proxy: TcpProxy
  let listening: SqlStore
  const cleanUps = cleanUpsOfEachTest()

  beforeEach(async () => {
    database = await migratedDatabase(cleanUps, emptyPostgres)
    store = database.open()
    proxy = await startTcpProxy(database.url)
    listening = postgresStore({ connectionString: database.url, listenConnectionString: proxy.url })
    cleanUps.push(
      () => proxy.close(),
      () => listening.close(),
    )
  })

  /** Goes silent once, after the message of the server for which `isLast` is true. */
  const silenceBehind = (isLast: (message: { readonly type: string; readonly text: string }) => boolean) => {
    let hasFallenSilent = false
    proxy.silenceAfter((data) => {
      const last = hasFallenSilent ? undefined : messagesOf(data).find(isLast)
      if (last === undefined) return undefined
      hasFallenSilent = true
      return data.subarray(0, last.end)
    })
    return {
      get hasFallenSilent() {
        return hasFallenSilent
      },
    }
  }

  const expectRecovery = async (recorder: Recorder) => {
    await recorder.until('the loss was reported', () => recorder.events.some((event) => event.kind === 'lost'))
    await recorder.proof()
    const written = await store.change('alice', addSecret)
    await recorder.delivered({ tenant: 'alice', version: written?.version ?? 0 })
  }

  it.each([
    [
      'a marker and the end of the statement that sent it',
      (text: string, type: string) => type === 'A' && text.includes('latchkey_verifier_'),
    ],
    ['the result of a statement and its end', (_: string, type: string) => type === 'C'],
    ['two statements', (_: string, type: string) => type === 'Z'],
  ] as const)('recovers from a silence between %s', async (_, isLast) => {
    const { recorder, feed } = await Recorder.on(listening)
    const other = await Recorder.on(store)
    await recorder.proof()
    const silence = silenceBehind(({ type, text }) => isLast(text, type))
    // An acknowledgement is the one statement that a listening connection runs by itself.
    const stopAsking = other.feed.requestAcknowledgements?.(() => {})
    await recorder.until('the loss was reported', () => recorder.events.some((event) => event.kind === 'lost'))
    expect(silence.hasFallenSilent).toBe(true)
    await expectRecovery(recorder)
    stopAsking?.()
    await other.feed.close()
    await feed.close()
  })

  it('recovers also when its next connection goes silent during the setup', async () => {
    for (const step of ['R', 'K', 'C', 'A'] as const) {
      const { recorder, feed } = await Recorder.on(listening)
      await recorder.proof()
      const silence = silenceBehind(({ type }) => type === step)
      proxy.block()
      proxy.unblock()
      await recorder.until('the new one went silent', () => silence.hasFallenSilent)
      await expectRecovery(recorder)
      await feed.close()
    }
  })

  it('fails within a deadline when it cannot start, and not with feed_unheard when its marker was not sent', async () => {
    for (const step of ['K', 'C'] as const) {
      const silence = silenceBehind(({ type }) => type === step)
      await expect(Recorder.on(listening)).rejects.toMatchObject({ code: 'store_unavailable' })
      expect(silence.hasFallenSilent).toBe(true)
    }
  })
})
