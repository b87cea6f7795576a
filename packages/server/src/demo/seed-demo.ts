import { pbkdf2Sync, randomBytes } from 'node:crypto'
import type { SqlClient } from 'latchkey/sql'
import { importUsers } from '../admin/import-users.js'
import type { Service } from '../service.js'
import { applyDemoEvent } from './apply-demo-event.js'
import { createDemoClients, type DemoClient } from './demo-clients.js'
import { demoHistory, weeksMs } from './demo-history.js'
import { type DemoPerson, demoPeople } from './demo-people.js'
import { Dice } from './dice.js'
import type { PastClock } from './past-clock.js'

/** The accounts that the demo prints. */
export interface DemoAccess {
  readonly adminEmail: string
  readonly adminPassword: string
  /** The password of all users. */
  readonly userPassword: string
}

/** Options of `seedDemo`. */
export interface SeedOptions extends DemoAccess {
  readonly users: number
  readonly nowMs: number
}

/** The accounts that the traffic of the demo uses. */
export interface DemoActors {
  /** Addresses of active users who sign in with the password alone. */
  readonly emails: readonly string[]
  readonly clients: readonly DemoClient[]
}

/** The number of users who sign in while the demo runs. */
const maxActors = 40

/** Events in one transaction. */
const batchSize = 250

/**
 * Fills a new database: users who another system had, and what they did in the weeks before now.
 * The clock of the service follows the events, so that everything has the time of its event.
 */
export async function seedDemo(
  service: Service,
  clock: PastClock,
  { users, nowMs, userPassword, ...admin }: SeedOptions,
): Promise<DemoActors> {
  const dice = new Dice(20_260_101)
  const people = demoPeople(dice, { count: users, nowMs })
  await service.adminCreation.createAdmin({ email: admin.adminEmail, password: admin.adminPassword })
  await importPeople(service, clock, { people, passwordHash: cheapHash(userPassword) })
  clock.resetTo(nowMs - weeksMs)
  const clients = await createDemoClients(service)
  const events = demoHistory(dice, people, nowMs)
  for (let at = 0; at < events.length; at += batchSize) {
    await service.store.transaction(async (client) => {
      for (const event of events.slice(at, at + batchSize)) {
        clock.moveTo(event.at)
        await applyDemoEvent(service, client, event)
      }
    })
  }
  return { emails: await actorsOf(service.store, nowMs - weeksMs), clients }
}

/**
 * Returns a hash that is quickly made. All users have one password, which is random, so that a hash
 * of full cost would protect it no better.
 */
function cheapHash(password: string): string {
  const salt = randomBytes(16)
  const key = pbkdf2Sync(password, salt, 1000, 32, 'sha256')
  const text = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')
  return `$pbkdf2-sha256$1000$${text(salt)}$${text(key)}`
}

async function importPeople(
  service: Service,
  clock: PastClock,
  { people, passwordHash }: { readonly people: readonly DemoPerson[]; readonly passwordHash: string },
): Promise<void> {
  async function* lines() {
    for (const [index, { id, name, email, createdAt }] of people.entries()) {
      clock.moveTo(createdAt)
      const created_at = new Date(createdAt).toISOString()
      const known = { id, name, email, created_at, last_login_at: created_at }
      yield { number: index + 1, value: { ...known, email_verified: true, password_hash: passwordHash } }
    }
  }
  const refuse = (line: number, fault: string) => {
    throw new Error(`User ${line} of the demo is refused: ${fault}.`)
  }
  const options = { dryRun: false, signal: new AbortController().signal, onProgress: () => {}, onFault: refuse }
  await importUsers(service, lines(), options)
}

async function actorsOf(client: SqlClient, sinceMs: number): Promise<readonly string[]> {
  const { rows } = await client.query<{ email: string }>(
    `select email from server_accounts
     where signed_in_at >= $1 and disabled_at is null and second_factor = 0 and role <> 'admin'
     order by id desc limit ${maxActors}`,
    [sinceMs],
  )
  return rows.map(({ email }) => email)
}
