import { channel, tracingChannel } from 'node:diagnostics_channel'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { IssueMessage, TokenCall, VerifyMessage } from '../../../src/channels.js'
import type { Traced } from '../../../src/observed-operation.js'
import { recordChannel, recordTrace } from '../../support/record-channel.js'
import { outcomeOf, setUp } from '../../support/setup.js'

describe('the channel latchkey:verify', () => {
  const resultsOf = (messages: readonly VerifyMessage[]) => messages.map(({ outcome, level }) => [outcome, level])

  it('publishes each verification with its outcome and where the answer came from', async () => {
    const { latchkey, store } = setUp()
    const { token } = await latchkey.issue({ subject: 'alice' })
    const messages = recordChannel<VerifyMessage>('latchkey:verify')
    await latchkey.verify(token)
    await latchkey.verify(token)
    const { latchkey: other } = setUp({ store })
    await other.verify(token)
    expect(resultsOf(messages)).toEqual([
      ['accepted', 'memory'],
      ['accepted', 'remembered'],
      ['accepted', 'read'],
    ])
    expect(messages.map(({ source }) => source === latchkey)).toEqual([true, true, false])
  })

  it('publishes each refusal by its code', async () => {
    const { latchkey, keys, store } = setUp({ latchkey: { maxTokenBytes: 2000 } })
    const { token } = await latchkey.issue({ subject: 'alice' })
    const messages = recordChannel<VerifyMessage>('latchkey:verify')
    const refused = [`${token.slice(0, -5)}AAAAA`, 'nonsense', 'a'.repeat(2001), 7 as unknown as string]
    for (const wrong of refused) await outcomeOf(() => latchkey.verify(wrong))
    await keys.revoke('alice')
    const { latchkey: other } = setUp({ store })
    await outcomeOf(() => other.verify(token))
    expect(resultsOf(messages)).toEqual([
      ['signature_invalid', 'memory'],
      ['token_malformed', 'memory'],
      ['token_too_large', 'memory'],
      ['token_malformed', 'memory'],
      ['token_revoked', 'read'],
    ])
  })

  it('leaves verification synchronous, and makes no object for a remembered token', async () => {
    const { latchkey } = setUp()
    const { token } = await latchkey.issue({ subject: 'alice' })
    const messages = recordChannel<VerifyMessage>('latchkey:verify')
    recordTrace('latchkey:verify')
    for (let count = 0; count < 3; count += 1) expect(latchkey.verify(token)).not.toBeInstanceOf(Promise)
    expect(messages).toHaveLength(3)
    expect(messages[1]).toBe(messages[2])
    expect(Object.isFrozen(messages[1])).toBe(true)
  })

  it('gets no message for the check of a watched token', async () => {
    const { latchkey, keys } = setUp()
    const auth = await latchkey.verify((await latchkey.issue({ subject: 'alice' })).token)
    const ended = vi.fn()
    latchkey.watch(auth, ended)
    const messages = recordChannel('latchkey:verify')
    await keys.revoke('alice')
    await expect.poll(() => ended.mock.calls.length).toBe(1)
    expect(messages).toEqual([])
  })
})

describe('the channel latchkey:issue', () => {
  it('publishes each issue with its outcome', async () => {
    const { latchkey, keys } = setUp()
    const messages = recordChannel<IssueMessage>('latchkey:issue')
    await latchkey.issue({ subject: 'alice' })
    await latchkey.issue({ subject: 'alice' })
    await keys.disable('alice')
    await outcomeOf(() => latchkey.issue({ subject: 'alice' }))
    await Promise.resolve()
      .then(() => latchkey.issue({ subject: 'bob', claims: { wrong: Number.NaN } }))
      .catch(() => {})
    expect(messages.map(({ outcome, level }) => [outcome, level])).toEqual([
      ['issued', 'read'],
      ['issued', 'memory'],
      ['tenant_disabled', 'read'],
      ['internal_error', 'memory'],
    ])
    expect(messages.every(({ source }) => source === latchkey)).toBe(true)
  })
})

describe('the tracing channels of tokens', () => {
  type Trace = Traced<TokenCall>
  const eventsOf = (trace: readonly { readonly event: string; readonly message: Trace }[]) =>
    trace.map(({ event, message }) => `${event}${message.isAsync ? ' async' : ''}${message.error ? ' error' : ''}`)

  it('publish a synchronous call as start and end', async () => {
    const { latchkey } = setUp()
    const { token } = await latchkey.issue({ subject: 'alice' })
    const trace = recordTrace<Trace>('latchkey:verify')
    await latchkey.verify(token)
    expect(eventsOf(trace.splice(0))).toEqual(['start', 'end'])
    await outcomeOf(() => latchkey.verify(`${token}A`))
    expect(eventsOf(trace)).toEqual(['start', 'error error', 'end error'])
    expect(trace[1]?.message.error).toMatchObject({ code: 'signature_invalid' })
  })

  it('publish a call that has to read as asynchronous, and publish nothing for a remembered token', async () => {
    const { latchkey, store, keys } = setUp()
    const { token } = await latchkey.issue({ subject: 'alice' })
    const trace = recordTrace<Trace>('latchkey:verify')
    const { latchkey: second } = setUp({ store })
    await second.verify(token)
    expect(eventsOf(trace.splice(0))).toEqual(['start', 'end async', 'asyncStart async', 'asyncEnd async'])
    await second.verify(token)
    expect(trace).toEqual([])
    await keys.revoke('alice')
    const { latchkey: third } = setUp({ store })
    await outcomeOf(() => third.verify(token))
    expect(eventsOf(trace)).toEqual([
      'start',
      'end async',
      'error async error',
      'asyncStart async error',
      'asyncEnd async error',
    ])
  })

  it('publish no result: it would be the token', async () => {
    const { latchkey } = setUp()
    const trace = recordTrace<Trace>('latchkey:issue')
    await latchkey.issue({ subject: 'alice' })
    expect(trace.map(({ event }) => event)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd'])
    expect(trace.filter(({ message }) => 'result' in message)).toEqual([])
  })
})

describe('channels to which nothing subscribes', () => {
  it('are not published to, so that no message is made', async () => {
    const names = ['latchkey:verify', 'latchkey:issue', 'latchkey:feed', 'latchkey:lifecycle']
    const traced = [tracingChannel('latchkey:verify'), tracingChannel('latchkey:issue')]
    const channels = [...names.map((name) => channel(name)), ...traced.map(({ start }) => start)]
    const calls = channels.flatMap((silent) => [
      vi.spyOn(silent, 'publish'),
      vi.spyOn(silent, 'runStores' as 'publish'),
    ])
    onTestFinished(() => void vi.restoreAllMocks())
    const { latchkey, keys } = setUp()
    const { token } = await latchkey.issue({ subject: 'alice' })
    await latchkey.verify(token)
    await latchkey.verify(token)
    await outcomeOf(() => latchkey.verify('nonsense'))
    await keys.rotate('alice')
    await outcomeOf(() => keys.rotate('nobody'))
    expect(calls.filter((call) => call.mock.calls.length > 0)).toEqual([])
  })
})

describe('a subscriber that throws', () => {
  it('changes no verification; its error is an uncaught exception of the process', async () => {
    const uncaught: unknown[] = []
    process.setUncaughtExceptionCaptureCallback((error) => void uncaught.push(error))
    onTestFinished(() => process.setUncaughtExceptionCaptureCallback(null))
    const fail = () => {
      throw new Error('A subscriber failed.')
    }
    const { start, end, asyncStart, asyncEnd, error } = tracingChannel('latchkey:verify')
    const watched = [channel('latchkey:verify'), start, end, asyncStart, asyncEnd, error]
    for (const each of watched) each.subscribe(fail)
    onTestFinished(() => {
      for (const each of watched) each.unsubscribe(fail)
    })
    const { latchkey, store } = setUp()
    const { token } = await latchkey.issue({ subject: 'alice' })
    const { latchkey: other } = setUp({ store })
    expect(await outcomeOf(() => other.verify(token))).toMatchObject({ subject: 'alice' })
    expect(await outcomeOf(() => other.verify(token))).toMatchObject({ subject: 'alice' })
    expect(await outcomeOf(() => other.verify('nonsense'))).toBe('token_malformed')
    await expect.poll(() => uncaught.length).toBe(3 + 4 + 3)
    expect(new Set(uncaught.map(String))).toEqual(new Set(['Error: A subscriber failed.']))
  })
})
