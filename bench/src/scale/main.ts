import { postgresStore } from 'latchkey/postgres'
import pg from 'pg'
import { postgresBinaries } from '../../../test/support/postgres-binaries.js'
import { type PostgresServer, startPostgres } from '../../../test/support/start-postgres.js'
import { watchMachineLoad } from '../machine-load.js'
import { publish } from '../publish.js'
import { formatCount, type Table } from '../table.js'
import { UndoList } from '../undo-list.js'
import { measureFeeds } from './feed-rows.js'
import { feedBars, feedTables } from './feed-tables.js'
import { type ListResult, listTables, measureLists } from './measure-lists.js'
import { measureReports, reportsTables } from './measure-reports.js'
import { type CallTimes, measureTenants } from './measure-tenants.js'
import { scaleFlags } from './scale-flags.js'
import { readSizes, seedTenants, type TableSize } from './seed-tenants.js'

// The load of very many tenants and very many processes on one PostgreSQL.

const { processes, reports, ...flags } = scaleFlags()
const tenants = flags.quick ? 100_000 : 10_000_000
const durationMs = flags.quick ? 1000 : 10_000
const rotationsPerMinute = 6000
/** Beside no figures of tenants, those of the change feed do not replace the published ones. */
const isPartial = processes !== undefined || reports !== undefined
/** The server processes that report their state. The quick form has no time for their pauses. */
const reporting = processes !== undefined || flags.quick ? reports : (reports ?? 1000)
const counts = processes ?? (flags.quick ? [1, 8, 100] : [1, 8, 100, 300, 600, 1000, 2000])

const undo = new UndoList()
try {
  const tenantResults = isPartial ? undefined : await measureTenantTables()
  const feeds =
    reports === undefined || processes !== undefined ? await measureFeeds({ counts, isQuick: flags.quick, undo }) : []
  const reported =
    reporting === undefined
      ? undefined
      : await measureReports({ processes: reporting, durationMs: flags.quick ? 6000 : 30_000, undo })
  await publish({
    name: processes !== undefined ? 'feed' : reports !== undefined ? 'reports' : 'scale',
    document: 'docs/explanation/scaling.md',
    flags: { ...flags, quick: flags.quick || isPartial },
    results: { ...tenantResults, feeds, reports: reported },
    tables: [
      ...(tenantResults === undefined ? [] : tablesOf(tenantResults)),
      ...(feeds.length === 0 ? [] : feedTables(feeds)),
      ...(reported === undefined ? [] : reportsTables(reported)),
    ],
    bars: feedBars(feeds),
  })
} catch (error) {
  if (!undo.isInterrupted) throw error
} finally {
  await undo.dispose()
}

async function measureTenantTables(): Promise<TenantResults> {
  const machineBusy = watchMachineLoad()
  const postgres = await startPostgres(postgresBinaries, [
    'shared_buffers=1GB',
    'maintenance_work_mem=512MB',
    'max_wal_size=4GB',
  ])
  undo.add(() => postgres.dispose())
  const { seedSeconds, sizes, calls } = await fillAndMeasure(postgres)
  const lists = await measureLists({ postgresUrl: postgres.url, users: flags.quick ? 20_000 : 1_000_000, calls: 200 })
  await postgres.dispose()
  const bytesPerTenant = sizes.reduce((sum, { bytes }) => sum + bytes, 0) / tenants
  return { tenants, seedSeconds, bytesPerTenant, sizes, calls, lists, machineBusy: machineBusy() }
}

async function fillAndMeasure(postgres: PostgresServer) {
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

interface TenantResults {
  readonly tenants: number
  readonly seedSeconds: number
  readonly bytesPerTenant: number
  readonly sizes: readonly TableSize[]
  readonly calls: readonly CallTimes[]
  readonly lists: readonly ListResult[]
  readonly machineBusy: number
}

function tablesOf({
  seedSeconds,
  bytesPerTenant,
  sizes,
  calls,
  lists,
  machineBusy: busy,
}: TenantResults): readonly Table[] {
  const rotations = calls.find(({ what }) => what.startsWith('rotate'))?.perSecond ?? 0
  const hours = (perSecond: number) => (tenants / perSecond / 3600).toFixed(1)
  return [
    {
      title: `${formatCount(tenants)} tenants on disk: ${Math.round(bytesPerTenant)} bytes each; seeded in ${seedSeconds.toFixed(0)} s`,
      header: ['', 'kind', 'MB', 'bytes per tenant'],
      rows: sizes.map(({ name, kind, bytes }) => [name, kind, formatCount(bytes / 1e6), (bytes / tenants).toFixed(0)]),
    },
    {
      title: `Calls; rotating all takes ${hours(rotations)} h at this rate, ${hours(rotationsPerMinute / 60)} h at ${formatCount(rotationsPerMinute)} per minute (machine ${Math.round(100 * busy)} % busy)`,
      header: ['', 'p50 ms', 'p99 ms', 'tenants per second'],
      rows: calls.map(({ what, p50Ms, p99Ms, perSecond }) => [
        what,
        p50Ms.toFixed(2),
        p99Ms.toFixed(2),
        formatCount(perSecond),
      ]),
    },
    ...listTables(lists),
  ]
}
