import fc from 'fast-check'
import { describe, it } from 'vitest'
import { maxStaleness, type ScheduledProcess, ScheduledWorld } from '../../support/scheduled-world.js'

type Three = readonly [ScheduledProcess, ScheduledProcess, ScheduledProcess]

/** Runs steps one after another, and waits for its turn before each. */
type Actor = () => Promise<void>

interface Scenario {
  readonly isCacheShared: boolean
  /** The concurrent steps of processes that have cached alice. */
  readonly actors: (world: ScheduledWorld, processes: Three) => readonly Actor[]
}

const does =
  (world: ScheduledWorld, ...events: readonly (() => unknown)[]): Actor =>
  async () => {
    for (const event of events) {
      await world.pass('event')
      await event()
    }
  }

const thrice = (world: ScheduledWorld, event: () => unknown): Actor => does(world, event, event, event)

/** Verifies every token. */
const reads = (world: ScheduledWorld, process: ScheduledProcess): Actor =>
  thrice(world, () => Promise.all(world.tokens.map((known) => process.verify(known))))

/** Signs in, which reads alice by her ID, while others read her by kid. */
const signsIn = (world: ScheduledWorld, process: ScheduledProcess): Actor => thrice(world, () => process.signIn())

const proves = (world: ScheduledWorld, process: ScheduledProcess): Actor => thrice(world, () => process.prove())

/** Evicts alice from a cache of one tenant. */
const evicts = (world: ScheduledWorld, process: ScheduledProcess): Actor => thrice(world, () => process.readBob())

type Change = Parameters<ScheduledProcess['change']>[0]

const ends = (world: ScheduledWorld, process: ScheduledProcess, ...changes: readonly Change[]): Actor =>
  does(world, ...changes.map((change) => () => process.change(change)))

const scenarios: Readonly<Record<string, Scenario>> = {
  'a slow reader and a rotation': {
    isCacheShared: false,
    actors: (world, [writer, reader]) => [
      ends(world, writer, 'rotate', 'rotate'),
      reads(world, reader),
      signsIn(world, reader),
      evicts(world, reader),
      reads(world, writer),
    ],
  },
  'a revocation between a read and the write of the shared cache': {
    isCacheShared: true,
    actors: (world, [writer, reader, late]) => [
      ends(world, writer, 'revoke'),
      reads(world, reader),
      evicts(world, reader),
      reads(world, late),
      evicts(world, late),
      proves(world, late),
    ],
  },
  'two writers': {
    isCacheShared: false,
    actors: (world, [one, other, reader]) => [
      ends(world, one, 'revoke', 'requireReissue'),
      ends(world, other, 'rotate', 'revoke'),
      reads(world, one),
      reads(world, reader),
      signsIn(world, reader),
    ],
  },
  'a feed with a gap': {
    isCacheShared: false,
    actors: (world, [writer, reader]) => [
      ends(world, writer, 'revoke', 'revoke'),
      reads(world, reader),
      evicts(world, reader),
      proves(world, reader),
      does(
        world,
        () => reader.cut(),
        () => reader.reconnect(),
        () => reader.cut(),
        () => reader.reconnect(),
      ),
    ],
  },
  'a shared cache that is set back to an old snapshot': {
    isCacheShared: true,
    actors: (world, [writer, reader, late]) => [
      ends(world, writer, 'revoke', 'revoke'),
      reads(world, reader),
      evicts(world, reader),
      reads(world, late),
      evicts(world, late),
      does(
        world,
        () => world.takeSnapshot(),
        () => world.restoreSnapshot(),
        () => world.restoreSnapshot(),
      ),
      does(
        world,
        () => late.cut(),
        () => late.reconnect(),
      ),
    ],
  },
  'a refusal that was read from the store, and a shared cache that is set back': {
    isCacheShared: true,
    actors: (world, [writer, reader]) => [
      ends(world, writer, 'requireReissue'),
      does(
        world,
        () => world.takeSnapshot(),
        () => world.flush(),
        () => Promise.all(world.tokens.map((known) => reader.verify(known))),
        () => reader.readBob(),
        () => world.restoreSnapshot(),
        () => Promise.all(world.tokens.map((known) => reader.verify(known))),
      ),
    ],
  },
  'a process that is stopped for longer than maxStaleness, with tokens in hand': {
    isCacheShared: false,
    actors: (world, [writer, reader]) => [
      ends(world, writer, 'revoke'),
      reads(world, reader),
      evicts(world, reader),
      proves(world, reader),
      does(world, () => reader.cut()),
      thrice(world, () => world.clock.advance(maxStaleness + 1)),
    ],
  },
}

/** Runs all reactions to a step that need no waiting: reads start in a turn of their own. */
const act = async (step: () => Promise<unknown>): Promise<void> => {
  await step()
  for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

describe('the contracts, in any order of messages between processes', () => {
  it.each(Object.entries(scenarios))('hold for %s', async (_, { isCacheShared, actors }) => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler({ act }), async (scheduler) => {
        const world = new ScheduledWorld(scheduler, isCacheShared)
        try {
          await world.run(actors(world, [await world.begin(), await world.begin(), await world.begin()]))
          await world.expectTruth()
        } finally {
          await world.close()
        }
      }),
      // Shrinking does not make a schedule clearer, and takes longer than the test may.
      { numRuns: 150, endOnFailure: true },
    )
  })
})
