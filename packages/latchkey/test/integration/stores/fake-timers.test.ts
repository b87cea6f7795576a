import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { systemClock } from '../../../src/clock.js'
import { cleanUpsOfEachTest } from '../../support/clean-ups.js'
import { type EmptyDatabase, emptyPostgres, emptySqlite, migratedDatabase } from '../../support/databases.js'
import { outcomeOf, setUp } from '../../support/setup.js'

const cleanUps = cleanUpsOfEachTest()

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it.each<[string, () => Promise<EmptyDatabase>]>([
  ['PostgreSQL', emptyPostgres],
  ['SQLite', emptySqlite],
])(
  'a verifier over %s verifies and learns of a revocation under fake timers',
  { timeout: 60_000 },
  async (_, create) => {
    const database = await migratedDatabase(cleanUps, create)
    const [one, other] = [0, 1].map(() => {
      const created = setUp({ store: database.open(), clock: systemClock })
      cleanUps.push(() => created.latchkey.close())
      return created
    })
    if (one === undefined || other === undefined) throw new Error('There are two processes.')
    const { token } = await one.latchkey.issue({ subject: 'ada' })
    expect(await other.latchkey.verify(token)).toMatchObject({ subject: 'ada' })
    await one.keys.revoke('ada', { everywhere: true })
    expect(await outcomeOf(() => other.latchkey.verify(token))).toBe('token_revoked')
  },
)
