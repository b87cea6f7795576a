/**
 * `npm run bench:server`: whole auth servers beside each other, each in a process of its own. It
 * measures throughput and latency, the cost of a call, and the time until a second process sees a
 * sign-out.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { postgresBinaries } from '../../../test/support/postgres-binaries.js'
import { startPostgres } from '../../../test/support/start-postgres.js'
import { watchMachineLoad } from '../machine-load.js'
import { benchFlags, publish } from '../publish.js'
import { shuffled } from '../shuffled.js'
import { type Contender, contenders } from './contenders.js'
import { installSize } from './install-size.js'
import { measureLoad, type Operation, operations, type Target } from './load.js'
import { barsOf, type ContenderResult, type LoadResult, tablesOf } from './report.js'
import { checkServer, registerVisitors } from './send.js'
import { type Launch, ServedProcess } from './served-process.js'
import type { Hash } from './settings.js'
import { measureSignOut } from './sign-out.js'
import { countStatements, statementSettings } from './statements.js'

const flags = benchFlags()
const connectionCounts = flags.quick ? [1, 16] : [1, 16, 64]
const rounds = flags.quick ? 1 : 5
const durationSec = flags.quick ? 0.5 : 2
const visitorCount = flags.quick ? 32 : 256
const signOuts = flags.quick ? 3 : 25
const countedCalls = flags.quick ? 20 : 100
const starts = flags.quick ? 1 : 7

/** A contender with its own database, whose server is running. */
interface Running extends Target {
  readonly contender: Contender
  readonly launch: Launch
  readonly databaseUrl: string
}

/** The operations of each kind of run. No other operation hashes a password. */
const operationsWith: Readonly<Record<Hash, readonly Operation[]>> = {
  real: operations,
  stubbed: ['sign-in', 'sign-up'],
}

const folder = await mkdtemp(join(tmpdir(), 'latchkey-bench-'))
const machineBusy = watchMachineLoad()
const postgres = await startPostgres(postgresBinaries, statementSettings)
try {
  const loads: LoadResult[] = []
  const results: ContenderResult[] = []
  for (const hash of ['real', 'stubbed'] as const) {
    const running = await startAll(hash)
    try {
      loads.push(...(await measureLoads(running, hash)))
      // With the hash as it ships, because its memory is part of the server's.
      if (hash === 'real') for (const one of running) results.push(await measureRest(one))
    } finally {
      for (const { server } of running) await server.stop()
    }
  }
  const settings = { rounds, durationSec, connectionCounts, visitorCount, countedCalls, signOuts, starts }
  await publish({
    name: 'server',
    flags,
    results: { settings, loads, contenders: results, machineBusy: machineBusy() },
    tables: tablesOf({ loads, results, connectionCounts, rounds, busy: machineBusy() }),
    bars: barsOf(loads, connectionCounts),
  })
} finally {
  await postgres.dispose()
  await rm(folder, { recursive: true, force: true })
}

async function startAll(hash: Hash): Promise<readonly Running[]> {
  const running: Running[] = []
  for (const [at, contender] of contenders.entries()) {
    const name = `${hash}_${at}`
    const databaseUrl = await createDatabase(name)
    const launch = contender.launch(hash, { databaseUrl, folder: join(folder, name) })
    const server = await ServedProcess.start(launch)
    const { protocol } = contender
    await checkServer(server.url, protocol)
    const visitors = await registerVisitors(server.url, protocol, visitorCount)
    running.push({ contender, launch, databaseUrl, server, protocol, visitors })
  }
  return running
}

/**
 * Measures all loads in shuffled rounds. The contenders of one load follow each other, in another
 * order each time, so that the machine's speed hardly drifts between them.
 */
async function measureLoads(running: readonly Running[], hash: Hash): Promise<readonly LoadResult[]> {
  const loads = operationsWith[hash].flatMap((operation) =>
    connectionCounts.map((connections) => ({ operation, connections, durationSec })),
  )
  // The quick form measures servers that have only just warmed up.
  const warmUp = flags.quick ? [] : loads.filter(({ connections }) => connections === connectionCounts.at(-1))
  for (const load of warmUp) for (const target of shuffled(running)) await measureLoad(target, load)
  const results: LoadResult[] = loads.flatMap(({ operation, connections }) =>
    running.map(({ contender: { name } }) => ({ contender: name, hash, operation, connections, samples: [] })),
  )
  for (let round = 0; round < rounds; round += 1) {
    for (const load of shuffled(loads)) {
      for (const target of shuffled(running)) {
        const sample = await measureLoad(target, load)
        const result = results.find(
          ({ contender, operation, connections }) =>
            contender === target.contender.name && operation === load.operation && connections === load.connections,
        )
        result?.samples.push(sample)
      }
    }
  }
  return results
}

async function measureRest(one: Running): Promise<ContenderResult> {
  const { contender, launch, databaseUrl, server, protocol } = one
  const { rssBytes } = await server.usage()
  const startMs: number[] = []
  const second = await ServedProcess.start(launch)
  startMs.push(second.startMs)
  const signOut = await measureSignOut([server.url, second.url], protocol, signOuts).finally(() => second.stop())
  while (startMs.length < starts) {
    const another = await ServedProcess.start(launch)
    startMs.push(another.startMs)
    await another.stop()
  }
  return {
    contender: contender.name,
    statements: contender.onPostgres ? await countStatements(one, databaseUrl, countedCalls) : undefined,
    signOut,
    rssBytes,
    startMs,
    install: installSize(contender.packages),
  }
}

async function createDatabase(name: string): Promise<string> {
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  try {
    await client.query(`create database ${name}`)
  } finally {
    await client.end()
  }
  const url = new URL(postgres.url)
  url.pathname = `/${name}`
  return url.href
}
