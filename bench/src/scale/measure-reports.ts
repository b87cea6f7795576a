import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Keyring } from 'latchkey'
import pg from 'pg'
import { postgresBinaries } from '../../../test/support/postgres-binaries.js'
import { startPostgres } from '../../../test/support/start-postgres.js'
import { administrator, seedConsole } from '../console/seed-console.js'
import { RemoteProcess } from '../remote-process.js'
import { serveLatchkey } from '../served-latchkey.js'
import { quantile } from '../statistics.js'
import { formatCount, type Table } from '../table.js'
import type { UndoList } from '../undo-list.js'
import type { ReportsOrder, ReportsReport } from './reports-messages.js'
import { postmasterOf, watchServerCpu } from './server-cpu.js'

// The reports of very many server processes for the live view of the console.

/** The load of the reports on PostgreSQL in one period. */
export interface ReportsLoad {
  readonly what: string
  readonly statementsPerSecond: number
  readonly serverCores: number
}

/** The events that the watching administrator gets. */
export interface EventFigures {
  readonly bytes: number
  /** The pauses between two events, which are a second apart if the server has time. */
  readonly pauseP50Ms: number
  readonly pauseP99Ms: number
  readonly listed: number
  readonly counted: number
}

export interface ReportsResult {
  readonly processes: number
  readonly loads: readonly ReportsLoad[]
  readonly events: EventFigures
  /** The ticks of simulated processes that failed. */
  readonly failures: number
}

export interface ReportsOptions {
  readonly processes: number
  readonly durationMs: number
  readonly undo: UndoList
}

const hosts = Math.min(4, Math.max(2, availableParallelism()))
/** All processes have asked, and opened their connections. */
const settleMs = 6000
/** A process that has watched says so for 15 s. */
const unwatchedMs = 20_000

/** Measures the reports of processes that are idle, then watched, then idle again. */
export async function measureReports({ processes, durationMs, undo }: ReportsOptions): Promise<ReportsResult> {
  const postgres = await startPostgres(postgresBinaries, [`max_connections=${processes + 100}`])
  undo.add(() => postgres.dispose())
  const env = {
    DATABASE_URL: postgres.url,
    LATCHKEY_ISSUER: 'https://auth.example.com',
    LATCHKEY_MASTER_KEYS: Keyring.generate('bench'),
    LATCHKEY_ADMIN_SECOND_FACTOR: 'allow-without',
  }
  await seedConsole(env, 0)
  const server = await serveLatchkey(env)
  undo.add(() => server.stop())
  const program = new URL('./reports-host.js', import.meta.url)
  const fleet = Array.from({ length: hosts }, () => new RemoteProcess<ReportsOrder, ReportsReport>(program))
  for (const host of fleet) undo.add(() => host.kill())
  const shares = fleet.map((_, place) => Math.floor((processes + place) / hosts))
  await Promise.all(
    fleet.map((host, place) =>
      host.ask({ kind: 'open', databaseUrl: postgres.url, count: shares[place] ?? 0 }, 'state'),
    ),
  )
  await sleep(settleMs)
  const load = (what: string) => measureLoad(postgres.url, what, durationMs)
  const idle = await load('no administrator watches')
  const stream = await EventReader.open(server.url)
  await sleep(settleMs)
  stream.begin()
  const watched = await load('one administrator watches')
  const events = stream.end()
  await sleep(unwatchedMs)
  const again = await load('no administrator watches any more')
  const states = await Promise.all(fleet.map((host) => host.ask({ kind: 'count' }, 'state')))
  const failures = states.reduce((sum, state) => sum + state.failures, 0)
  for (const host of fleet) await host.kill()
  await server.stop()
  await postgres.dispose()
  return { processes, loads: [idle, watched, again], events, failures }
}

/** Returns the figures as tables. */
export function reportsTables({ processes, loads, events, failures }: ReportsResult): readonly Table[] {
  return [
    {
      title: `Reports of ${formatCount(processes)} server processes for the live view (${failures} failed)`,
      header: ['', 'statements per second', 'PostgreSQL cores'],
      rows: loads.map(({ what, statementsPerSecond, serverCores }) => [
        what,
        formatCount(statementsPerSecond),
        serverCores.toFixed(3),
      ]),
    },
    {
      title: 'Events of the live view, one each second',
      header: ['', 'kB', 'pause p50 ms', 'p99 ms'],
      rows: [
        [
          `${events.listed} of ${formatCount(events.counted)} processes`,
          (events.bytes / 1000).toFixed(1),
          events.pauseP50Ms.toFixed(0),
          events.pauseP99Ms.toFixed(0),
        ],
      ],
    },
  ]
}

async function measureLoad(url: string, what: string, durationMs: number): Promise<ReportsLoad> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const postmaster = await postmasterOf(url)
    const before = await statementsOf(client)
    const cores = watchServerCpu(postmaster)
    const from = performance.now()
    await sleep(durationMs)
    const serverCores = cores()
    const statements = (await statementsOf(client)) - before
    return { what, serverCores, statementsPerSecond: (1000 * statements) / (performance.now() - from) }
  } finally {
    await client.end()
  }
}

/** Returns the commits of the database: each statement of the reports is a transaction. */
async function statementsOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ commits: string }>(
    'select sum(xact_commit) as commits from pg_stat_database where datname = current_database()',
  )
  return Number(rows[0]?.commits)
}

/** The stream of an administrator who watches. */
class EventReader {
  readonly #controller = new AbortController()
  #arrivals: { readonly atMs: number; readonly text: string }[] = []

  static async open(url: string): Promise<EventReader> {
    const reader = new EventReader()
    const login = await fetch(`${url}/v1/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(administrator),
    })
    const { access_token: token } = (await login.json()) as { readonly access_token: string }
    const { signal } = reader.#controller
    const response = await fetch(`${url}/v1/admin/live`, { headers: { authorization: `Bearer ${token}` }, signal })
    if (!response.ok || response.body === null) throw new Error(`The stream was refused: ${await response.text()}`)
    // Ends with the signal.
    reader.#read(response.body).catch(() => {})
    return reader
  }

  /** Forgets the events so far. */
  begin(): void {
    this.#arrivals = []
  }

  /** Closes the stream. Returns the figures of its events. */
  end(): EventFigures {
    this.#controller.abort()
    const pauses = this.#arrivals.slice(1).map(({ atMs }, place) => atMs - (this.#arrivals[place]?.atMs ?? atMs))
    const { text } = this.#arrivals.at(-1) ?? {}
    if (text === undefined) throw new Error('No event has arrived.')
    const data = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? '{}') as {
      readonly processes: readonly unknown[]
      readonly process_count: number
    }
    return {
      bytes: Buffer.byteLength(text),
      pauseP50Ms: quantile(pauses, 0.5),
      pauseP99Ms: quantile(pauses, 0.99),
      listed: data.processes.length,
      counted: data.process_count,
    }
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    let rest = ''
    for await (const chunk of body) {
      const blocks = (rest + Buffer.from(chunk).toString()).split('\n\n')
      rest = blocks.pop() ?? ''
      const events = blocks.filter((block) => block.startsWith('event: state'))
      for (const text of events) this.#arrivals.push({ atMs: performance.now(), text })
    }
  }
}
