/** `npm run bench:login`: logins a second beside what Argon2id alone allows on the same processors, refreshes a second, and how long a verification waits meanwhile. */
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
// So many that in all rounds nobody signs in so often that the limit of sessions ends the one that is verified, however fast the machine.
const visitorCount = flags.quick ? 48 : 384

/** A server under test, and what it did in each round. */
interface Subject {
  readonly name: string
  readonly server: ServedLatchkey
  readonly visitors: readonly Visitor[]
  readonly logins: Rate[]
  /** Of a login. */
  readonly processor: ProcessorTime[]
  readonly refreshes: Rate[]
  /** Verifications while nothing else happens, and while as many sign in as can. */
  readonly calm: Rate[]
  readonly busy: Rate[]
}

// For what is forked here: Node's pool checks passwords, on as many threads as there are processors.
process.env.UV_THREADPOOL_SIZE = String(availableParallelism())
const postgres = await startPostgres()
const folder = await mkdtemp(join(tmpdir(), 'latchkey-bench-'))
const subjects: Subject[] = []
const bareServer = await startBareServer()
try {
  subjects.push(await startSubject('embedded', { LATCHKEY_DATA_DIR: folder }))
  subjects.push(await startSubject('PostgreSQL', { DATABASE_URL: postgres.url }))
  // Those who came last do not come in a round. What is measured is a server that has been up for a while.
  for (const { server, visitors } of subjects) {
    await measureLogins(server.url, visitors, durationSec)
    await measureRefreshes(server.url, visitors.slice(-16), durationSec)
  }
  const argon: ArgonResult[] = []
  const bare: Rate[] = []
  const everybody = subjects.flatMap(({ visitors }) => visitors)
  await measureLogins(bareServer.url, everybody, durationSec)
  for (let round = 0; round < rounds; round += 1) {
    argon.push(await measureArgon())
    bare.push(await measureLogins(bareServer.url, everybody, durationSec))
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
      // Whoever signed in before refreshes: their first tokens are still good, for nobody has used them.
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
  const roomy = 'address:1000000/60'
  const server = await serveLatchkey({
    ...env,
    LATCHKEY_ISSUER: 'http://localhost',
    LATCHKEY_MASTER_KEYS: Keyring.generate('bench'),
    LATCHKEY_LIMIT_LOGIN: `${roomy},pair:1000000/60`,
    LATCHKEY_LIMIT_REGISTER: roomy,
    LATCHKEY_LIMIT_REFRESH: `${roomy},pair:1000000/60`,
    LATCHKEY_LIMIT_GENERAL: roomy,
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
  /** Of what Argon2id alone did in the same round; median. */
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
    title: `Signing in and refreshing; Argon2id alone: ${argonPerSecond.toFixed(1)} a second on all processors`,
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

/** What the whole is made of: on a machine whose processors do nothing else, what is not Argon2id is what is missing to its rate. */
function processorTable(rows: readonly Row[], argonCpuMs: number): Table {
  const inMs = (value: number) => `${value.toFixed(1)} ms`
  return {
    title: 'The processor time of a login',
    header: ['', 'Argon2id alone', 'the server besides', 'the visitors', 'all else on the machine'],
    rows: rows.map(({ name, processor: { server, visitors, others } }) => [
      name,
      ...[argonCpuMs, server - argonCpuMs, visitors, others].map(inMs),
    ]),
  }
}

function barOf({ name, share }: Row): Bar {
  return { what: `${name}: logins by what Argon2id alone allows`, wanted: 0.95, measured: share, unit: '' }
}
