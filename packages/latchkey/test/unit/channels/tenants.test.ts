import { describe, expect, it } from 'vitest'
import type { FeedMessage, LifecycleMessage } from '../../../src/channels.js'
import { createFakeClock } from '../../../src/testing/fake-clock.js'
import { recordChannel } from '../../support/record-channel.js'
import { outcomeOf, setUp } from '../../support/setup.js'
import { steer } from '../../support/steered-store.js'

describe('the channel latchkey:lifecycle', () => {
  it('publishes each change of a tenant by its name', async () => {
    const { keys } = setUp()
    const messages = recordChannel<LifecycleMessage>('latchkey:lifecycle')
    await keys.provision('alice')
    await keys.rotate('alice')
    await keys.revoke('alice')
    await keys.revokeSession('alice', 'session-1')
    await keys.requireReissue('alice')
    await keys.setGrants('alice', { roles: ['editor'] })
    await keys.disable('alice')
    await keys.enable('alice')
    await keys.forget('alice')
    expect(messages.map(({ action }) => action)).toEqual([
      'provision',
      'rotate',
      'revoke',
      'revoke_session',
      'require_reissue',
      'set_grants',
      'disable',
      'enable',
      'forget',
    ])
    for (const message of messages) {
      expect(message).toEqual({
        source: keys,
        action: message.action,
        tenant: 'alice',
        outcome: 'done',
        isCommitted: true,
      })
    }
  })

  it('distinguishes what changed nothing, what was refused, and what a transaction has yet to commit', async () => {
    const { keys, store } = setUp()
    await keys.provision('alice')
    const messages = recordChannel<LifecycleMessage>('latchkey:lifecycle')
    await keys.provision('alice')
    await outcomeOf(() => keys.rotate('nobody'))
    await store.transaction((client) => keys.revoke('alice', { client }))
    expect(messages.map(({ action, outcome, isCommitted }) => [action, outcome, isCommitted])).toEqual([
      ['provision', 'unchanged', true],
      ['rotate', 'tenant_unknown', true],
      ['revoke', 'done', false],
    ])
  })

  it('publishes each tenant that a rotation of all tenants rotates', async () => {
    const { keys, clock } = setUp()
    for (const tenant of ['alice', 'bob']) await keys.provision(tenant)
    clock.advance(1000)
    const messages = recordChannel<LifecycleMessage>('latchkey:lifecycle')
    await keys.rotateAll({ ratePerMinute: 600_000 }).done
    expect(messages.map(({ action, tenant }) => [action, tenant])).toEqual([
      ['rotate', 'alice'],
      ['rotate', 'bob'],
    ])
  })
})

describe('the channel latchkey:feed', () => {
  it('publishes proofs with their age, changes with a bound on their delay, and when the feed is regained or lost', async () => {
    const clock = createFakeClock()
    const { store, listeners } = steer()
    const { keys } = setUp({ clock, store })
    const messages = recordChannel<FeedMessage>('latchkey:feed')
    await keys.ready()
    const [listener] = listeners
    if (listener === undefined) throw new Error('The keys do not listen.')
    const asOf = { wallMs: clock.now(), monotonicMs: clock.monotonic() }
    clock.advance(20)
    listener.proved(asOf)
    clock.advance(30)
    listener.changed({ tenant: 'alice', version: 1 })
    listener.changed({ tenant: '', version: 2 })
    listener.lost()
    listener.changed({ tenant: 'alice', version: 3 })
    expect(messages).toEqual([
      { source: keys, event: 'proof', ageMs: 20 },
      { source: keys, event: 'regained' },
      { source: keys, event: 'change', of: 'tenant', maxDelayMs: 50 },
      { source: keys, event: 'change', of: 'keys', maxDelayMs: 50 },
      { source: keys, event: 'lost' },
      { source: keys, event: 'change', of: 'tenant', maxDelayMs: Number.POSITIVE_INFINITY },
    ])
    await keys.close()
  })

  it('publishes changes that another process made', async () => {
    const { store } = setUp()
    const { keys } = setUp({ store })
    await keys.ready()
    const messages = recordChannel<FeedMessage>('latchkey:feed')
    const { keys: other } = setUp({ store })
    await other.provision('alice')
    const changes = messages.filter(({ source, event }) => source === keys && event === 'change')
    expect(changes).toMatchObject([{ of: 'tenant' }])
  })
})
