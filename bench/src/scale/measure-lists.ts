import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { createServer, readConfiguration, type Service } from '@latchkey/server'
import pg from 'pg'
import { quantile } from '../statistics.js'
import { formatCount, type Table } from '../table.js'
import { seededUser, seedLists } from './seed-lists.js'

// The lists and searches of administrators with very many users, on both databases.

/** The times of one list or search. */
export interface ListTimes {
  readonly what: string
  readonly p50Ms: number
  readonly p99Ms: number
  /** The longest time for which the event loop of the server stood still. */
  readonly stallMs: number
}

/** The times of one database with this number of users, sessions and audit entries. */
export interface ListResult {
  readonly database: string
  readonly users: number
  readonly seedSeconds: number
  readonly lists: readonly ListTimes[]
}

/** Options of `measureLists`. */
export interface ListOptions {
  /** A superuser of the PostgreSQL server; the bench creates a database of its own there. */
  readonly postgresUrl: string
  readonly users: number
  readonly calls: number
}

/** A master key ring with one key, which encrypts nothing of worth. */
const masterKeys = `k1:${Buffer.alloc(32, 1).toString('base64url')}`

/** Measures every list on PostgreSQL and on the embedded database. */
export async function measureLists({ postgresUrl, users, calls }: ListOptions): Promise<readonly ListResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-lists-'))
  try {
    const embedded = await measureOn('embedded', { LATCHKEY_DATA_DIR: folder }, { users, calls })
    const postgres = await onPostgres(postgresUrl, ({ url, analyze }) =>
      measureOn('PostgreSQL', { DATABASE_URL: url, LATCHKEY_MASTER_KEYS: masterKeys }, { users, calls, analyze }),
    )
    return [postgres, embedded]
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Returns one table for each database. */
export function listTables(results: readonly ListResult[]): readonly Table[] {
  return results.map(({ database, users, seedSeconds, lists }) => ({
    title: `Lists of administrators with ${formatCount(users)} users, ${database}; seeded in ${seedSeconds.toFixed(0)} s`,
    header: ['', 'p50 ms', 'p99 ms', 'longest stall ms'],
    rows: lists.map(({ what, p50Ms, p99Ms, stallMs }) => [
      what,
      p50Ms.toFixed(1),
      p99Ms.toFixed(1),
      stallMs.toFixed(1),
    ]),
  }))
}

/** A new database, and the update of its statistics, which takes longer than a store waits. */
interface NewDatabase {
  readonly url: string
  readonly analyze: () => Promise<void>
}

async function onPostgres<T>(serverUrl: string, work: (database: NewDatabase) => Promise<T>): Promise<T> {
  const url = new URL(serverUrl)
  url.pathname = '/lists'
  await runOn(serverUrl, 'create database lists')
  const result = await work({ url: url.href, analyze: () => runOn(url.href, 'vacuum analyze') })
  await runOn(serverUrl, 'drop database lists')
  return result
}

async function runOn(connectionString: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

async function measureOn(
  database: string,
  env: Readonly<Record<string, string>>,
  { users, calls, analyze }: Pick<ListOptions, 'users' | 'calls'> & Partial<Pick<NewDatabase, 'analyze'>>,
): Promise<ListResult> {
  const configuration = readConfiguration({ ...env, LOG_LEVEL: 'silent' })
  const { service, close } = await createServer(configuration)
  try {
    const from = performance.now()
    await seedLists(service.store, users)
    await analyze?.()
    const seedSeconds = (performance.now() - from) / 1000
    const lists: ListTimes[] = []
    for (const [what, call] of Object.entries(callsOf(service, users))) lists.push(await measure(what, call, calls))
    return { database, users, seedSeconds, lists }
  } finally {
    await close()
  }
}

type Call = () => Promise<unknown>

/** The filters of the list of accounts. */
type Filter = Omit<Parameters<Service['administration']['list']>[0], 'search' | 'after' | 'limit'>

const firstId = '00000000-0000-0000-0000-000000000000'
const limit = 50

function callsOf({ administration, counts, store }: Service, users: number): Readonly<Record<string, Call>> {
  const someone = () => seededUser(Math.floor(Math.random() * users))
  const noise = () => Math.random().toString(36).slice(2, 8)
  const search = (text: () => string, after = () => firstId) => {
    return () => administration.list({ search: text(), after: after(), limit })
  }
  const filtered = (filter: Filter, text = () => '') => {
    return () => administration.list({ search: text(), after: someone().id, limit, ...filter })
  }
  const audit = (filter: () => object) => () => administration.readAudit({ before: undefined, limit, ...filter() })
  return {
    // The share of the machine in every row.
    'nothing (select 1)': () => store.query('select 1 as one'),
    'users, a page anywhere': search(
      () => '',
      () => someone().id,
    ),
    'users, exact address': search(() => someone().email),
    'users, part of an address (few)': search(() => someone().email.slice(1, 7)),
    'users, full name (some)': search(() => someone().name),
    'users, domain (most)': search(() => 'example.com'),
    'users, without a match': search(() => `zq${noise()}`),
    'users, without a match, of frequent parts': search(() => '@com'),
    'users, two letters without a match': search(() => 'qx'),
    'users, 254 characters': search(() => 'example.com'.repeat(24).slice(0, 254)),
    'users, administrators': filtered({ role: 'admin' }),
    'users, disabled': filtered({ state: 'disabled' }),
    'users, not verified': filtered({ state: 'unverified' }),
    'users, with a second factor': filtered({ secondFactor: true }),
    'users, active without a factor': filtered({ state: 'active', secondFactor: false }),
    'users, disabled administrators': filtered({ role: 'admin', state: 'disabled' }),
    'users, disabled of a domain (most)': filtered({ state: 'disabled' }, () => 'example.com'),
    'users, disabled, without a match': filtered({ state: 'disabled' }, () => `zq${noise()}`),
    'users, never signed in': filtered({ signedInBefore: 1 }),
    'users, created in the future (a whole walk)': filtered({ createdAfter: Number.MAX_SAFE_INTEGER }),
    'sessions of an account': () => administration.listSessions(someone().id),
    'audit, newest': audit(() => ({})),
    'audit, by account': audit(() => ({ account: someone().id })),
    'audit, by actor': audit(() => ({ actor: someone().id })),
    'audit, by session': audit(() => ({ session: someone().id })),
    'audit, by address': audit(() => ({ address: someone().address })),
    'audit, by event': audit(() => ({ event: 'login' })),
    'audit, by outcome': audit(() => ({ outcome: 'refused' })),
    'audit, by event and outcome': audit(() => ({ event: 'login', outcome: 'refused' })),
    'audit, by event and outcome, without a match': audit(() => ({ event: 'logout', outcome: 'refused' })),
    'stats, the first count': () => counts.read(),
    'stats, counted before': () => counts.read(),
  }
}

async function measure(what: string, call: Call, calls: number): Promise<ListTimes> {
  const isFirst = what.includes('first')
  // Statements are prepared, and pages of the database are read, by the calls before.
  if (!isFirst) for (let warm = 0; warm < 5; warm += 1) await call()
  const delay = monitorEventLoopDelay({ resolution: 1 })
  await sleep(10)
  delay.enable()
  const times: number[] = []
  for (let made = 0; made < (isFirst ? 1 : calls); made += 1) {
    const from = performance.now()
    await call()
    times.push(performance.now() - from)
    await sleep(1)
  }
  delay.disable()
  return { what, p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), stallMs: delay.max / 1e6 }
}
