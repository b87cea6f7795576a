import { channel } from 'node:diagnostics_channel'
import { describe, expect, it } from 'vitest'
import { register } from '../../support/people.js'
import { databases, startServer } from '../../support/start-server.js'

const names = ['verify', 'issue', 'store', 'cache'].flatMap((operation) => [
  `latchkey:${operation}`,
  ...['start', 'end', 'asyncEnd', 'error'].map((event) => `tracing:latchkey:${operation}:${event}`),
])
const subscribed = () => names.filter((name) => channel(name).hasSubscribers)

describe.each(databases)('a server on %s', (database) => {
  it('subscribes to the channels of the library for as long as it runs', async () => {
    const running = await startServer({ database })
    const other = await running.startAnother()
    expect(subscribed()).toEqual(names.filter((name) => name !== 'latchkey:issue'))
    await other.stop()
    expect(subscribed()).toEqual(names.filter((name) => name !== 'latchkey:issue'))
    await running.stop()
    expect(subscribed()).toEqual([])
  })

  it('leaves no subscription when it cannot start', async () => {
    const running = await startServer({ database })
    const passwordPeppers = `other:${Buffer.alloc(32, 7).toString('base64url')}`
    const peppered = await running.startAnother({ configuration: { passwordPeppers } })
    await register(peppered)
    await peppered.stop()
    await expect(running.startAnother()).rejects.toMatchObject({ code: 'pepper_missing' })
    await running.stop()
    expect(subscribed()).toEqual([])
  })
})
