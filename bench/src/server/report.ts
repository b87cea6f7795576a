import type { Bar } from '../bars.js'
import { median } from '../statistics.js'
import { formatCount, type Table } from '../table.js'
import { latchkeyName, tutorialName } from './contenders.js'
import type { InstallSize } from './install-size.js'
import { type Operation, operations, type Sample } from './load.js'
import { argonCost, type Hash, poolSize } from './settings.js'
import { type SignOutTime, type SignOutTimes, signOutLimitMs } from './sign-out.js'
import type { StatementCount } from './statements.js'

/** The samples of one contender under one load, one of each round. */
export interface LoadResult {
  readonly contender: string
  readonly hash: Hash
  readonly operation: Operation
  readonly connections: number
  readonly samples: Sample[]
}

/** The measurements of a contender besides its loads. */
export interface ContenderResult {
  readonly contender: string
  /** `undefined`: its database is not PostgreSQL. */
  readonly statements: Readonly<Record<Operation, StatementCount>> | undefined
  readonly signOut: SignOutTimes
  /** Resident memory of the process after all loads. */
  readonly rssBytes: number
  readonly startMs: readonly number[]
  readonly install: InstallSize
}

/** Everything that the tables show. */
export interface Report {
  readonly loads: readonly LoadResult[]
  readonly results: readonly ContenderResult[]
  readonly connectionCounts: readonly number[]
  readonly rounds: number
  /** The busy share of the machine, 0 to 1. */
  readonly busy: number
}

/** The tables of loads: an operation, and whether passwords are hashed in them. */
const loadTables = [
  { title: 'Sign-in', operation: 'sign-in', hash: 'real' },
  { title: 'Sign-in, with the password hash of all servers stubbed', operation: 'sign-in', hash: 'stubbed' },
  { title: 'Sign-up', operation: 'sign-up', hash: 'real' },
  { title: 'Sign-up, with the password hash of all servers stubbed', operation: 'sign-up', hash: 'stubbed' },
  { title: 'Refresh', operation: 'refresh', hash: 'real' },
  { title: '“Who am I”', operation: 'who am I', hash: 'real' },
] as const satisfies readonly { title: string; operation: Operation; hash: Hash }[]

export function tablesOf(report: Report): readonly Table[] {
  return [
    ...loadTables.map((table) => loadTable(table, report)),
    signOutTable(report),
    statementTable(report),
    cpuTable(report),
    footprintTable(report),
    settingsTable(report),
  ]
}

/** Returns Latchkey's requests per second beside the tutorial's, where no password is hashed. */
export function barsOf(loads: readonly LoadResult[], connectionCounts: readonly number[]): readonly Bar[] {
  return loadTables
    .filter(({ operation, hash }) => hash === 'stubbed' || operation === 'refresh' || operation === 'who am I')
    .map(({ operation, hash }) => {
      const ratios = connectionCounts.map((connections) => {
        const find = (name: string) => findLoad(loads, { contender: name, operation, hash, connections })
        return ratioOf(find(latchkeyName), find(tutorialName))
      })
      const what = `${operation}${hash === 'stubbed' ? ', hash stubbed' : ''}: ${latchkeyName}, by the tutorial`
      return { what: `${what}, the least of all connections`, wanted: 1, measured: Math.min(...ratios), unit: '×' }
    })
}

function loadTable({ title, operation, hash }: (typeof loadTables)[number], report: Report): Table {
  const { loads, connectionCounts } = report
  const columns = connectionCounts.flatMap((count) => [
    count === 1 ? '1 connection: requests/s' : `${count}: requests/s`,
    '× the tutorial',
    'p50 ms',
    'p99 ms',
  ])
  return {
    title,
    header: ['', ...columns],
    rows: namesOf(report).map((contender) => [
      contender,
      ...connectionCounts.flatMap((connections) => {
        const load = { operation, hash, connections }
        const samples = findLoad(loads, { contender, ...load })
        return [
          formatCount(median(samples.map(({ perSecond }) => perSecond))),
          ratioOf(samples, findLoad(loads, { contender: tutorialName, ...load })).toFixed(2),
          formatMs(median(samples.map(({ p50Ms }) => p50Ms))),
          formatMs(median(samples.map(({ p99Ms }) => p99Ms))),
        ]
      }),
    ]),
  }
}

/** Returns the times of a sign-out by its answer, seen by a second process. */
function signOutTable({ results }: Report): Table {
  return {
    title: 'Sign-out at one process: the time from its answer until another process refuses',
    header: ['', 'one session, p50', 'longest', 'all sessions, p50', 'longest'],
    rows: results.map(({ contender, signOut: { oneMs, allMs } }) => [contender, ...timesOf(oneMs), ...timesOf(allMs)]),
  }
}

function timesOf(times: readonly SignOutTime[]): readonly string[] {
  const seen = times.filter((time) => time !== undefined)
  if (seen.length < times.length) return ['cannot', `accepts after ${signOutLimitMs / 1000} s`]
  return [`${formatMs(median(seen))} ms`, `${formatMs(Math.max(...seen))} ms`]
}

function statementTable({ results }: Report): Table {
  return {
    title: 'SQL statements of a call, begin and commit included',
    header: ['', ...operations],
    rows: results.map(({ contender, statements }) => [
      contender,
      ...operations.map((operation) =>
        statements === undefined ? 'in its own process' : statements[operation].perCall.toFixed(1),
      ),
    ]),
  }
}

function cpuTable(report: Report): Table {
  const connections = report.connectionCounts.find((count) => count >= 16) ?? 1
  return {
    title: `CPU time of the server’s process for a call, ${connections} connections`,
    header: [
      '',
      ...loadTables.map(({ operation, hash }) => (hash === 'stubbed' ? `${operation}, stubbed` : operation)),
    ],
    rows: namesOf(report).map((contender) => [
      contender,
      ...loadTables.map(({ operation, hash }) => {
        const samples = findLoad(report.loads, { contender, operation, hash, connections })
        return `${formatMs(median(samples.map(({ cpuMicros }) => cpuMicros)) / 1000)} ms`
      }),
    ]),
  }
}

function footprintTable({ results }: Report): Table {
  return {
    title: 'Memory, start and size',
    header: ['', 'memory after the loads', 'start until ready', 'installed', 'packages'],
    rows: results.map(({ contender, rssBytes, startMs, install: { bytes, packages } }) => [
      contender,
      `${formatCount(rssBytes / 1e6)} MB`,
      `${formatCount(median(startMs))} ms`,
      `${(bytes / 1e6).toFixed(1)} MB`,
      String(packages),
    ]),
  }
}

/** Returns what the figures depend on, and how far the contenders were made comparable. */
function settingsTable({ rounds, busy }: Report): Table {
  const { memoryCost, timeCost, parallelism } = argonCost
  const argon = `Argon2id, ${memoryCost} KiB, ${timeCost} passes, ${parallelism} thread`
  return {
    title: 'Settings of this run',
    header: ['', 'setting'],
    rows: [
      [
        'rounds',
        `${rounds}, shuffled; medians, and ratios of the same round; machine ${Math.round(100 * busy)} % busy`,
      ],
      ['all servers', `NODE_ENV=production, no request log, no mail server, another client address with each request`],
      ['PostgreSQL', `one private server with fsync, a database for each; a pool of ${poolSize} connections for each`],
      [
        'better-auth',
        'Node’s HTTP server; defaults: scrypt, a session row and a user row read at each request (no cookie cache), ' +
          'kysely over pg; rate limits off; refresh is the daily extension of a session, made due each time',
      ],
      [
        tutorialName,
        `Express, jsonwebtoken (HS256, key object), ${argon}; a version column read at each request; ` +
          'refresh tokens rotate; no rate limits, no audit log',
      ],
      [
        'Latchkey',
        `as shipped: ${argon}, audit log, limits, guess protection; limits above the load except where the row says so; ` +
          'sign-ins with the device token that browsers keep',
      ],
    ],
  }
}

function namesOf({ results }: Report): readonly string[] {
  return results.map(({ contender }) => contender)
}

function findLoad(
  loads: readonly LoadResult[],
  { contender, operation, hash, connections }: Omit<LoadResult, 'samples'>,
): readonly Sample[] {
  const found = loads.find(
    (load) =>
      load.contender === contender &&
      load.operation === operation &&
      load.hash === hash &&
      load.connections === connections,
  )
  return found?.samples ?? []
}

/** Returns the median ratio of requests per second in the same round. */
function ratioOf(samples: readonly Sample[], others: readonly Sample[]): number {
  return median(samples.map(({ perSecond }, round) => perSecond / (others[round]?.perSecond ?? Number.NaN)))
}

function formatMs(ms: number): string {
  return ms.toFixed(ms < 10 ? 2 : ms < 100 ? 1 : 0)
}
