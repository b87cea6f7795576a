import { postgresStore } from 'latchkey/postgres'
import pg from 'pg'
import { postgresBinaries } from '../../../test/support/postgres-binaries.js'
import { startPostgres } from '../../../test/support/start-postgres.js'
import { watchMachineLoad } from '../machine-load.js'
import { benchFlags, publish } from '../publish.js'
import { formatCount, type Table } from '../table.js'
import { type FeedResult, measureFeed } from './measure-feed.js'
import { type ListResult, listTables, measureLists } from './measure-lists.js'
import { type CallTimes, measureTenants } from './measure-tenants.js'
import { readSizes, seedTenants, type TableSize } from './seed-tenants.js'

// The load of very many tenants and very many processes on one PostgreSQL.

const flags = benchFlags()
const tenants = flags.quick ? 100_000 : 10_000_000
const feedCounts = flags.quick ? [1, 100] : [1, 50, 100, 200, 300, 500]
const durationMs = flags.quick ? 1000 : 10_000
const rotationsPerMinute = 6000

const machineBusy = watchMachineLoad()
const postgres = await startPostgres(postgresBinaries, [
  'max_connections=600',
  'shared_buffers=1GB',
  'maintenance_work_mem=512MB',
  'max_wal_size=4GB',
])
try {
  const { seedSeconds, sizes, calls } = await fillAndMeasure()
  const feeds: FeedResult[] = []
  for (const listeners of feedCounts) {
    feeds.push(await measureFeed({ url: postgres.url, listeners, durationMs, writers: 8 }))
  }
  const lists = await measureLists({ postgresUrl: postgres.url, users: flags.quick ? 20_000 : 1_000_000, calls: 200 })
  const bytesPerTenant = sizes.reduce((sum, { bytes }) => sum + bytes, 0) / tenants
  const results = { tenants, seedSeconds, bytesPerTenant, sizes, calls, feeds, lists, machineBusy: machineBusy() }
  await publish({ name: 'scale', document: 'docs/explanation/scaling.md', flags, results, tables: tablesOf(results) })
} finally {
  await postgres.dispose()
}

async function fillAndMeasure() {
  const store = postgresStore({ connectionString: postgres.url, max: 20 })
  const client = new pg.Client({ connectionString: postgres.url })
  try {
    await store.migrate()
    await client.connect()
    const from = performance.now()
    await seedTenants(store, async (text) => void (await client.query(text)), tenants)
    const seedSeconds = (performance.now() - from) / 1000
    const sizes = await readSizes(store)
    const calls = await measureTenants(store, { tenants, durationMs, batch: 100 })
    return { seedSeconds, sizes, calls }
  } finally {
    await client.end()
    await store.close()
  }
}

interface Results {
  readonly seedSeconds: number
  readonly bytesPerTenant: number
  readonly sizes: readonly TableSize[]
  readonly calls: readonly CallTimes[]
  readonly feeds: readonly FeedResult[]
  readonly lists: readonly ListResult[]
  readonly machineBusy: number
}

function tablesOf({
  seedSeconds,
  bytesPerTenant,
  sizes,
  calls,
  feeds,
  lists,
  machineBusy: busy,
}: Results): readonly Table[] {
  const rotations = calls.find(({ what }) => what.startsWith('rotate'))?.perSecond ?? 0
  const hours = (perSecond: number) => (tenants / perSecond / 3600).toFixed(1)
  return [
    {
      title: `${formatCount(tenants)} tenants on disk: ${Math.round(bytesPerTenant)} bytes each; seeded in ${seedSeconds.toFixed(0)} s`,
      header: ['', 'kind', 'MB', 'bytes per tenant'],
      rows: sizes.map(({ name, kind, bytes }) => [name, kind, formatCount(bytes / 1e6), (bytes / tenants).toFixed(0)]),
    },
    {
      title: `Calls with these tenants; rotating all takes ${hours(rotations)} h at this rate, and ${hours(rotationsPerMinute / 60)} h at ${formatCount(rotationsPerMinute)} per minute (machine ${Math.round(100 * busy)} % busy)`,
      header: ['', 'p50 ms', 'p99 ms', 'tenants per second'],
      rows: calls.map(({ what, p50Ms, p99Ms, perSecond }) => [
        what,
        p50Ms.toFixed(2),
        p99Ms.toFixed(2),
        formatCount(perSecond),
      ]),
    },
    {
      title: 'Listening processes on one PostgreSQL',
      header: [
        'listeners',
        'cores for proofs',
        'feed age p99 ms',
        'changes per second',
        'received p50 ms',
        'p99 ms',
        'delivered',
      ],
      rows: feeds.map((feed) => [
        formatCount(feed.listeners),
        feed.idleCores.toFixed(2),
        feed.feedAgeP99Ms.toFixed(0),
        formatCount(feed.changesPerSecond),
        feed.heardP50Ms.toFixed(1),
        feed.heardP99Ms.toFixed(1),
        `${(100 * feed.delivered).toFixed(1)} %`,
      ]),
    },
    ...listTables(lists),
  ]
}
