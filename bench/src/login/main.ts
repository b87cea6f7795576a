/**
 * `npm run bench:login`: logins per second beside the rate that Argon2id alone allows on the same
 * processors, refreshes per second, and the latency of a verification meanwhile.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Keyring } from 'latchkey'
import { startPostgres } from '../../../test/support/start-postgres.js'
import type { Bar } from '../bars.js'
import { performInProcess } from '../perform-in-process.js'
import { benchFlags, publish } from '../publish.js'
import { type ServedLatchkey, serveLatchkey } from '../served-latchkey.js'
import { median } from '../statistics.js'
import { formatCount, type Table } from '../table.js'
import type { ArgonResult, ArgonTask } from './messages.js'
import { type ProcessorTime, watchProcessors } from './processor-time.js'
import { startBareServer } from './start-bare-server.js'
import {
  measureLogins,
  measureRefreshes,
  measureVerifications,
  type Rate,
  registerVisitors,
  type Visitor,
} from './visitors.js'

const flags = benchFlags()
const rounds = flags.quick ? 1 : 5
const durationSec = flags.quick ? 2 : 6
// So many that no visitor reaches the limit of sessions, which would end the session that is
// verified, however fast the machine is.
const visitorCount = flags.quick ? 48 : 384

/** A server under test, with its results in each round. */
interface Subject {
  readonly name: string
  readonly server: ServedLatchkey
  readonly visitors: readonly Visitor[]
  readonly logins: Rate[]
  /** The processor time of a login. */
  readonly processor: ProcessorTime[]
  readonly refreshes: Rate[]
  /** Verifications on an idle server, and while logins saturate it. */
  readonly calm: Rate[]
  readonly busy: Rate[]
}

// Applies to the forked processes: the thread pool of Node checks passwords, with one thread per
// processor.
process.env.UV_THREADPOOL_SIZE = String(availableParallelism())
const postgres = await startPostgres()
const folder = await mkdtemp(join(tmpdir(), 'latchkey-bench-'))
const subjects: Subject[] = []
const bareServer = await startBareServer()
try {
  subjects.push(await startSubject('embedded', { LATCHKEY_DATA_DIR: folder }))
  subjects.push(await startSubject('PostgreSQL', { DATABASE_URL: postgres.url }))
  // Warms up the servers. The last visitors, whose refresh tokens are used here, refresh in no
  // round.
  for (const { server, visitors } of subjects) {
    await measureLogins(server.url, visitors, durationSec)
    await measureRefreshes(server.url, visitors.slice(-16), durationSec)
  }
  const argon: ArgonResult[] = []
  const bare: Rate[] = []
  const allVisitors = subjects.flatMap(({ visitors }) => visitors)
  await measureLogins(bareServer.url, allVisitors, durationSec)
  for (let round = 0; round < rounds; round += 1) {
    argon.push(await measureArgon())
    bare.push(await measureLogins(bareServer.url, allVisitors, durationSec))
    for (const { server, visitors, logins, processor, refreshes, calm, busy } of subjects) {
      const timeOfEach = await watchProcessors(server.url)
      const login = await measureLogins(server.url, visitors, durationSec)
      logins.push(login)
      processor.push(await timeOfEach(login.count))
      calm.push(await measureVerifications(server.url, visitors, durationSec))
      const [verifications] = await Promise.all([
        measureVerifications(server.url, visitors, durationSec),
        measureLogins(server.url, visitors, durationSec),
      ])
      busy.push(verifications)
      // Uses the refresh tokens of the registration, which are valid because they were not used
      // yet.
      refreshes.push(await measureRefreshes(server.url, visitors.slice(16 * round, 16 * (round + 1)), durationSec))
    }
  }
  const argonPerSecond = median(argon.map(({ perSecond }) => perSecond))
  const argonCpuMs = median(argon.map(({ cpuMs }) => cpuMs))
  const rows = subjects.map((subject) => rowOf(subject, argon))
  const bareRow = loginRowOf('a server that only checks the password', bare, argon)
  await publish({
    name: 'login',
    flags,
    results: { rounds, argonPerSecond, argonCpuMs, bare: bareRow, rows },
    tables: [tableOf(rows, bareRow, argonPerSecond), processorTable(rows, argonCpuMs)],
    bars: rows.map(barOf),
  })
} finally {
  for (const server of [bareServer, ...subjects.map((subject) => subject.server)]) await server.stop()
  await rm(folder, { recursive: true, force: true })
  await postgres.dispose()
}

async function startSubject(name: string, env: Readonly<Record<string, string>>): Promise<Subject> {
  const unlimited = 'address:1000000/60'
  const server = await serveLatchkey({
    ...env,
    LATCHKEY_ISSUER: 'http://localhost',
    LATCHKEY_MASTER_KEYS: Keyring.generate('bench'),
    LATCHKEY_LIMIT_LOGIN: `${unlimited},pair:1000000/60`,
    LATCHKEY_LIMIT_REGISTER: unlimited,
    LATCHKEY_LIMIT_REFRESH: `${unlimited},pair:1000000/60`,
    LATCHKEY_LIMIT_GENERAL: unlimited,
  })
  return {
    name,
    server,
    visitors: await registerVisitors(server.url, visitorCount),
    logins: [],
    processor: [],
    refreshes: [],
    calm: [],
    busy: [],
  }
}

function measureArgon(): Promise<ArgonResult> {
  const program = new URL('./argon-process.js', import.meta.url)
  return performInProcess<ArgonTask, ArgonResult>(program, { durationMs: durationSec * 1000 })
}

interface LoginRow {
  readonly name: string
  readonly logins: number
  /** The share of the rate of Argon2id alone in the same round; median. */
  readonly share: number
  readonly loginP99Ms: number
}

interface Row extends LoginRow {
  readonly processor: ProcessorTime
  readonly refreshes: number
  readonly refreshP99Ms: number
  readonly calmP99Ms: number
  readonly busyP99Ms: number
}

function loginRowOf(name: string, logins: readonly Rate[], argon: readonly ArgonResult[]): LoginRow {
  return {
    name,
    logins: median(logins.map(({ perSecond }) => perSecond)),
    share: median(logins.map(({ perSecond }, round) => perSecond / (argon[round]?.perSecond ?? Number.NaN))),
    loginP99Ms: median(logins.map(({ p99Ms }) => p99Ms)),
  }
}

function rowOf({ name, logins, processor, refreshes, calm, busy }: Subject, argon: readonly ArgonResult[]): Row {
  return {
    ...loginRowOf(name, logins, argon),
    processor: {
      server: median(processor.map(({ server }) => server)),
      visitors: median(processor.map(({ visitors }) => visitors)),
      others: median(processor.map(({ others }) => others)),
    },
    refreshes: median(refreshes.map(({ perSecond }) => perSecond)),
    refreshP99Ms: median(refreshes.map(({ p99Ms }) => p99Ms)),
    calmP99Ms: median(calm.map(({ p99Ms }) => p99Ms)),
    busyP99Ms: median(busy.map(({ p99Ms }) => p99Ms)),
  }
}

function tableOf(rows: readonly Row[], bare: LoginRow, argonPerSecond: number): Table {
  const loginCells = ({ name, logins, share, loginP99Ms }: LoginRow) => [
    name,
    logins.toFixed(1),
    share.toFixed(2),
    `${loginP99Ms.toFixed(0)} ms`,
  ]
  return {
    title: `Logins and refreshes; Argon2id alone: ${argonPerSecond.toFixed(1)} per second on all processors`,
    header: [
      '',
      'logins/s',
      'of Argon2id alone',
      'p99',
      'refreshes/s',
      'p99',
      'verification p99',
      'while logins saturate',
    ],
    rows: [
      [...loginCells(bare), '', '', '', ''],
      ...rows.map((row) => [
        ...loginCells(row),
        formatCount(row.refreshes),
        `${row.refreshP99Ms.toFixed(0)} ms`,
        `${row.calmP99Ms.toFixed(0)} ms`,
        `${row.busyP99Ms.toFixed(0)} ms`,
      ]),
    ],
  }
}

/**
 * Returns the parts of a login's processor time. On a machine without other load, the parts besides
 * Argon2id account for the difference to its rate.
 */
function processorTable(rows: readonly Row[], argonCpuMs: number): Table {
  const inMs = (value: number) => `${value.toFixed(1)} ms`
  return {
    title: 'Processor time of a login',
    header: ['', 'Argon2id alone', 'the rest of the server', 'the clients', 'the rest of the machine'],
    rows: rows.map(({ name, processor: { server, visitors, others } }) => [
      name,
      ...[argonCpuMs, server - argonCpuMs, visitors, others].map(inMs),
    ]),
  }
}

function barOf({ name, share }: Row): Bar {
  return {
    what: `${name}: share of the login rate that Argon2id alone allows`,
    wanted: 0.95,
    measured: share,
    unit: '',
  }
}
