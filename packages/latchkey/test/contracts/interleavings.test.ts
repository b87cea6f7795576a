import fc from 'fast-check'
import { describe, it } from 'vitest'
import { maxStaleness, type ScheduledProcess, ScheduledWorld } from '../support/scheduled-world.js'

type Three = readonly [ScheduledProcess, ScheduledProcess, ScheduledProcess]

/** Does one thing after another, and waits for its turn before each. */
type Actor = () => Promise<void>

interface Scenario {
  readonly isCacheShared: boolean
  /** What goes on at the same time among processes that know alice. */
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

/** Asks about every token there is. */
const reads = (world: ScheduledWorld, process: ScheduledProcess): Actor =>
  thrice(world, () => Promise.all(world.tokens.map((known) => process.verify(known))))

/** Signs in, which reads alice by her name, while others read her by her tokens. */
const signsIn = (world: ScheduledWorld, process: ScheduledProcess): Actor => thrice(world, () => process.signIn())

const proves = (world: ScheduledWorld, process: ScheduledProcess): Actor => thrice(world, () => process.prove())

/** Has alice leave its memory, which holds one tenant. */
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

/** After each step whatever follows from it without waiting: reads take off on a turn of their own. */
const act = async (step: () => Promise<unknown>): Promise<void> => {
  await step()
  for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

describe('in whatever order the messages of processes arrive', () => {
  it.each(Object.entries(scenarios))('%s break no promise', async (_, { isCacheShared, actors }) => {
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
      // An order of steps is not made plainer by leaving some out, and trying takes longer than the test may.
      { numRuns: 150, endOnFailure: true },
    )
  })
})
