import type { SqlStore } from 'latchkey/sql'
import { quantile } from '../statistics.js'

/** The latency and throughput of one kind of call. */
export interface CallTimes {
  readonly what: string
  readonly p50Ms: number
  readonly p99Ms: number
  readonly perSecond: number
}

/** One kind of call to measure. */
interface Call {
  readonly what: string
  readonly atOnce: number
  /** Resolves to the number of tenants that the call handled. */
  readonly make: () => Promise<number>
}

/** Options of `measureTenants`. */
export interface MeasureOptions {
  readonly tenants: number
  readonly durationMs: number
  readonly batch: number
}

const sampled = 50_000

/** Measures look-ups, changes and background jobs on a database full of tenants. */
export async function measureTenants(
  store: SqlStore,
  { tenants: all, durationMs, batch }: MeasureOptions,
): Promise<readonly CallTimes[]> {
  const { tenants, kids } = await someKeys(store, all)
  const pick = (keys: readonly string[], count: number) =>
    Array.from({ length: count }, () => keys[Math.floor(Math.random() * keys.length)] ?? '')
  let after = ''
  const calls: readonly Call[] = [
    { what: 'one tenant by kid', atOnce: 1, make: async () => (await store.readByKid(pick(kids, 1))).size },
    {
      what: 'one tenant by kid, 16 at once',
      atOnce: 16,
      make: async () => (await store.readByKid(pick(kids, 1))).size,
    },
    {
      what: `${batch} tenants by kid in one read`,
      atOnce: 1,
      make: async () => (await store.readByKid(pick(kids, batch))).size,
    },
    { what: 'rotate a tenant, 16 at once', atOnce: 16, make: () => rotateOne(store, pick(tenants, 1)[0] ?? '') },
    {
      what: 'read 200 tenants that are due for rotation',
      atOnce: 1,
      make: async () => {
        const due = await store.readDue(Date.now(), after, 200)
        after = due.at(-1) ?? ''
        return due.length
      },
    },
    { what: 'reseal 500 secrets under another master key', atOnce: 1, make: () => resealStep(store) },
    {
      what: 'prune',
      atOnce: 1,
      make: async () => store.prune({ now: Date.now(), keepMs: 0, changeLogMs: Date.now() }).then(() => 1),
    },
  ]
  const times: CallTimes[] = []
  for (const call of calls) times.push(await measureCall(call, durationMs))
  return times
}

async function someKeys(
  store: SqlStore,
  all: number,
): Promise<{ tenants: readonly string[]; kids: readonly string[] }> {
  // `tablesample system` takes random pages of about thirty rows each.
  const share = Math.max(1, Math.min(100, (100 * sampled) / all))
  const { rows } = await store.query<{ tenant_id: string; kid: string }>(
    'select tenant_id, kid from latchkey_secrets tablesample system ($1) order by kid limit $2',
    [share, sampled],
  )
  return { tenants: rows.map(({ tenant_id }) => tenant_id), kids: rows.map(({ kid }) => kid) }
}

/** Rotates like `keys.rotate`: the old secret retires, a new one signs. */
async function rotateOne(store: SqlStore, tenant: string): Promise<number> {
  const now = Date.now()
  await store.change(tenant, (current) => {
    if (current === undefined) return current
    const [newest] = current.secrets.slice(-1)
    if (newest === undefined) return current
    const old = current.secrets.map((secret) => ({ ...secret, retiresAt: secret.retiresAt ?? now + 3_600_000 }))
    const kid = `${newest.kid.slice(0, 16)}${Math.random().toString(36).slice(2, 18).padEnd(16, '0')}`
    const generation = newest.generation + 1
    return { ...current, secrets: [...old, { ...newest, kid, generation, createdAt: now, retiresAt: null }] }
  })
  return 1
}

function resealStep(store: SqlStore): Promise<number> {
  return store.reseal('k2', 500, {
    secret: (_tenant, { sealed }) => ({ masterKeyId: 'k2', sealed }),
    grants: (_tenant, _version, { sealed }) => ({ masterKeyId: 'k2', sealed }),
    setting: (setting) => setting,
    keyPair: (pair) => pair,
  })
}

async function measureCall({ what, atOnce, make }: Call, durationMs: number): Promise<CallTimes> {
  const times: number[] = []
  let done = 0
  const startedAt = performance.now()
  const work = async () => {
    while (performance.now() - startedAt < durationMs) {
      const from = performance.now()
      const count = await make()
      done += count
      times.push(performance.now() - from)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  const seconds = (performance.now() - startedAt) / 1000
  return { what, p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), perSecond: done / seconds }
}
