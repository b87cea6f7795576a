import { createLatchkey, Keyring, tenantSecrets } from 'latchkey'
import { postgresStore } from 'latchkey/postgres'
import { startPostgres } from '../../../test/support/start-postgres.js'
import { startRedis } from '../../../test/support/start-redis.js'
import type { Bar } from '../bars.js'
import { audience, issuer } from '../population.js'
import { benchFlags, publish } from '../publish.js'
import { quantile } from '../statistics.js'
import { formatCount, type Table } from '../table.js'
import { measureRevocations, type RevocationRun } from './measure-revocations.js'
import type { VerifierSetup } from './messages.js'

// The time from the acknowledgement of keys.revoke to the last accept by any of eight processes
// that verify under load.

const flags = benchFlags()
const processes = 8
const revocations = flags.quick ? 100 : 500
/**
 * The load of each process, as a share of one core. On two cores, together with PostgreSQL and the
 * writer, this keeps most of the machine busy.
 */
const busyLoad = 0.05

const loadTenants = 1000
const tokensPerLoadTenant = 5

const postgres = await startPostgres()
const redis = await startRedis()
const masterKeys = Keyring.generate('bench')
const store = postgresStore({ connectionString: postgres.url })
await store.migrate()
const keys = tenantSecrets({ store, masterKeys })
const latchkey = createLatchkey({ issuer, audience, keys })
try {
  const loadTokens = await issueLoadTokens()
  const runs: Run[] = []
  // A saturated machine is not a normal state: fewer revocations suffice, and --quick omits it.
  for (const load of flags.quick ? [busyLoad] : [busyLoad, 1]) {
    for (const redisUrl of [undefined, redis.url]) {
      const setup = { databaseUrl: postgres.url, redisUrl, masterKeys, loadTokens, load }
      const count = load < 1 ? revocations : 200
      const run = await measureRevocations({ latchkey, keys }, { setup, processes, revocations: count })
      runs.push(summary(run, setup))
    }
  }
  await publish({
    name: 'revocation',
    flags,
    results: { processes, runs },
    tables: [tableOf(runs)],
    bars: runs.filter(({ load }) => load < 1).map(barOf),
  })
} finally {
  await latchkey.close()
  await store.close()
  await redis.dispose()
  await postgres.dispose()
}

async function issueLoadTokens(): Promise<readonly string[]> {
  const tokens: string[] = []
  for (let count = 0; count < loadTenants * tokensPerLoadTenant; count += 1) {
    const { token } = await latchkey.issue({ subject: `load-${count % loadTenants}` })
    tokens.push(token)
  }
  return tokens
}

/** The figures of one run, in milliseconds after the acknowledgement. Earlier events count as 0. */
interface Run {
  readonly cache: 'none' | 'redis'
  readonly load: number
  readonly revocations: number
  readonly machineBusy: number
  readonly verifiersBusy: number
  readonly verificationsPerSecond: number
  readonly lastAccept: Distribution
  /** The moment since which every process refuses; covers accepts between two verifications. */
  readonly firstRefusal: Distribution
}

interface Distribution {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

function summary(run: RevocationRun, { redisUrl, load }: VerifierSetup): Run {
  return {
    cache: redisUrl === undefined ? 'none' : 'redis',
    load,
    revocations: run.lastAcceptMs.length,
    machineBusy: run.machineBusy,
    verifiersBusy: run.verifiersBusy,
    verificationsPerSecond: run.verificationsPerSecond,
    lastAccept: distributionOf(run.lastAcceptMs),
    firstRefusal: distributionOf(run.firstRefusalMs),
  }
}

function distributionOf(valuesMs: readonly number[]): Distribution {
  return { p50: quantile(valuesMs, 0.5), p99: quantile(valuesMs, 0.99), max: Math.max(...valuesMs) }
}

function tableOf(all: readonly Run[]): Table {
  const header = [
    '',
    'machine busy',
    'by the verifiers',
    'verifications/s',
    'revocations',
    'p50',
    'p99',
    'max',
    'p99, refused by all',
  ]
  const rows = all.map((run) => [
    `${run.cache === 'redis' ? 'PostgreSQL and Redis' : 'PostgreSQL'}${run.load === 1 ? ', saturated' : ''}`,
    formatShare(run.machineBusy),
    formatShare(run.verifiersBusy),
    formatCount(run.verificationsPerSecond),
    String(run.revocations),
    formatMs(run.lastAccept.p50),
    formatMs(run.lastAccept.p99),
    formatMs(run.lastAccept.max),
    formatMs(run.firstRefusal.p99),
  ])
  return {
    title: `From the acknowledgement of a revocation to the last accept by any of ${processes} processes`,
    header,
    rows,
  }
}

function barOf({ cache, lastAccept }: Run): Bar {
  return {
    what: `${cache === 'redis' ? 'PostgreSQL and Redis' : 'PostgreSQL'}: last accept after a revocation, p99`,
    wanted: 10,
    measured: lastAccept.p99,
    atMost: true,
    unit: 'ms',
  }
}

function formatMs(ms: number): string {
  return `${ms.toFixed(2)} ms`
}

function formatShare(share: number): string {
  return `${Math.round(share * 100)} %`
}
