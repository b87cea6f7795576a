import { randomUUID } from 'node:crypto'
import { createLatchkey, Keyring, type Latchkey, tenantSecrets } from 'latchkey'
import { memoryStore } from 'latchkey/memory'
import { audience, issuer } from '../population.js'
import { endlessStore } from './endless-store.js'
import type { MemoryResult, MemoryTask } from './messages.js'

// A process that measures its memory with a given number of tenants, or of verdicts. It runs with
// --expose-gc.

/** Entries before the measurement, so that code and initial maps are allocated. */
const warmUp = 2000
const tenantsOfVerdicts = 1000
const inFlight = 1000

type Keep = (count: number) => Promise<void>

function keepTenants(latchkey: Latchkey): Keep {
  return (count) =>
    inParallel(count, async () => {
      await latchkey.issue({ subject: randomUUID() })
    })
}

function keepVerdicts(latchkey: Latchkey): Keep {
  const subjects = Array.from({ length: tenantsOfVerdicts }, () => randomUUID())
  return (count) =>
    inParallel(count, async (place) => {
      const subject = subjects[place % subjects.length] ?? ''
      const claims = { email: `${subject}@example.com`, role: 'editor' }
      const { token } = await latchkey.issue({ subject, claims, expiresIn: 3600 })
      // A new string, as from a socket.
      await latchkey.verify(Buffer.from(token, 'latin1').toString('latin1'))
    })
}

async function inParallel(count: number, work: (place: number) => Promise<void>): Promise<void> {
  for (let place = 0; place < count; place += inFlight) {
    const size = Math.min(inFlight, count - place)
    await Promise.all(Array.from({ length: size }, (_, offset) => work(place + offset)))
  }
}

function usedMemory(): MemoryResult {
  // Several times, because finalisers release objects only after a collection.
  for (let round = 0; round < 4; round += 1) globalThis.gc?.()
  // `external` includes the buffers.
  const { heapUsed, external, rss } = process.memoryUsage()
  return { liveBytes: heapUsed + external, residentBytes: rss }
}

async function perform({ kept, count }: MemoryTask): Promise<MemoryResult> {
  const masterKeys = Keyring.generate('bench')
  const entries = count + warmUp
  const maxTenants = kept === 'tenants' ? entries : tenantsOfVerdicts
  const store = kept === 'tenants' ? endlessStore(masterKeys) : memoryStore()
  const keys = tenantSecrets({ store, masterKeys, maxTenants })
  const tokenCache = kept === 'tenants' ? false : { maxEntries: entries }
  const latchkey = createLatchkey({ issuer, audience, keys, tokenCache })
  const keep = kept === 'tenants' ? keepTenants(latchkey) : keepVerdicts(latchkey)
  await keep(warmUp)
  const before = usedMemory()
  await keep(count)
  const after = usedMemory()
  await latchkey.close()
  return {
    liveBytes: after.liveBytes - before.liveBytes,
    residentBytes: after.residentBytes - before.residentBytes,
  }
}

process.once('message', async (task: MemoryTask) => {
  const result = await perform(task)
  process.send?.(result, () => process.exit())
})
