import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { Keyring } from 'latchkey'
import type { SqlStore } from 'latchkey/sql'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { requireProgram } from '../../../../../test/support/installed-program.js'
import { startTcpProxy } from '../../../../../test/support/tcp-proxy.js'
import { createTestDatabase } from '../../../../../test/support/test-database.js'
import { recordBackup } from '../../../src/ops/last-backup.js'
import { metricsAccess } from '../../../src/ops/metrics-access.js'
import { estimateSecretAges } from '../../../src/ops/secret-ages.js'
import { StateCollector } from '../../../src/ops/state-collector.js'
import { createAdmin, freshEmail, login, password, register } from '../../support/people.js'
import { createShiftingClock } from '../../support/shifting-clock.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const metricsToken = 'a token for the scraper of these tests'.replaceAll(' ', '-')

async function scrape({ url }: Pick<TestServer, 'url'>, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${metricsToken}`, ...headers } })
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
}

/** Returns the value of one sample, such as `name{label="value"}`. */
function sampleOf(text: string, line: string): number | undefined {
  const found = text.split('\n').find((candidate) => candidate.startsWith(`${line} `))
  return found === undefined ? undefined : Number(found.slice(line.length + 1).replace('+Inf', 'Infinity'))
}

describe.each(databases)('the metrics of a server on %s', (database) => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database, configuration: { metricsTokens: [metricsToken] } })
  })
  afterAll(() => running.stop())

  const seen = async (line: string) => sampleOf((await scrape(running)).text, line)
  const increase = async (line: string, work: () => Promise<unknown>) => {
    const before = (await seen(line)) ?? 0
    await work()
    return ((await seen(line)) ?? 0) - before
  }

  it('are in the text format of Prometheus', async () => {
    const { status, type, text } = await scrape(running)
    expect(status).toBe(200)
    expect(type).toMatch(/^text\/plain; version=/)
    for (const line of text.split('\n').filter((candidate) => candidate !== '')) {
      expect(line).toMatch(/^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? \S+)$/)
    }
  })

  it('count verifications by outcome, and by whether they needed a read', async () => {
    const { token } = await register(running)
    const ask = () => running.api.get('/v1/me', { token })
    await ask()
    expect(await increase('latchkey_verifications_total{outcome="accepted",level="memory"}', ask)).toBe(1)
    const other = await running.startAnother()
    await other.api.get('/v1/me', { token })
    expect(sampleOf((await scrape(other)).text, 'latchkey_verifications_total{outcome="accepted",level="read"}')).toBe(
      1,
    )
    await other.stop()
    const broken = () => running.api.get('/v1/me', { token: `${token.slice(0, -5)}AAAAA` })
    expect(await increase('latchkey_verifications_total{outcome="signature_invalid",level="memory"}', broken)).toBe(1)
  })

  it('count logins by outcome', async () => {
    const { email } = await register(running)
    expect(await increase('latchkey_logins_total{outcome="done"}', () => login(running, email))).toBe(1)
    const wrong = () => running.api.post('/v1/login', { body: { email: freshEmail(), password } })
    expect(await increase('latchkey_logins_total{outcome="invalid_credentials"}', wrong)).toBe(1)
    const malformed = () => running.api.post('/v1/login', { body: {} })
    expect(await increase('latchkey_logins_total{outcome="validation_failed"}', malformed)).toBe(1)
  })

  it('count how often a token was remembered', async () => {
    const { token } = await register(running)
    const me = () => running.api.get('/v1/me', { token })
    await me()
    const hits = 'latchkey_token_cache_lookups_total{result="hit"}'
    expect(await increase(hits, me)).toBe(1)
    const misses = 'latchkey_token_cache_lookups_total{result="miss"}'
    expect(await increase(misses, () => running.api.get('/v1/me', { token: `${token}A` }))).toBe(1)
    expect(sampleOf((await scrape(running)).text, 'latchkey_token_cache_entries')).toBeGreaterThan(0)
  })

  it('time requests by route, never by path', async () => {
    const admin = await createAdmin(running)
    const id = randomUUID()
    const line = 'latchkey_http_request_duration_seconds_count{method="GET",route="/v1/admin/users/:id",status="404"}'
    expect(await increase(line, () => running.api.get(`/v1/admin/users/${id}`, { token: admin.token }))).toBe(1)
    await running.api.get(`/${id}`)
    expect((await scrape(running)).text).not.toContain(id)
  })

  it('time the store, and show feed, secrets, event loop and audit log', async () => {
    await register(running)
    const { text } = await scrape(running)
    expect(
      sampleOf(text, 'latchkey_store_duration_seconds_count{operation="transaction",outcome="done"}'),
    ).toBeGreaterThan(0)
    await expect.poll(() => seen('latchkey_feed_age_seconds')).toBeLessThan(running.configuration.maxStalenessMs / 1000)
    expect(sampleOf(text, 'latchkey_event_loop_delay_seconds{percentile="99"}')).toBeGreaterThanOrEqual(0)
    await expect.poll(() => seen('latchkey_secrets{age="1d"}')).toBeGreaterThanOrEqual(0)
    await expect.poll(() => seen('latchkey_audit_unsealed_entries')).toBe(0)
  })

  it('are counted separately by two servers in one process', async () => {
    const other = await running.startAnother()
    await login(running, (await register(running)).email)
    await running.api.get('/v1/me', { token: 'nonsense' })
    const [one, two] = [(await scrape(running)).text, (await scrape(other)).text]
    for (const line of [
      'latchkey_logins_total{outcome="done"}',
      'latchkey_verifications_total{outcome="token_malformed",level="memory"}',
      'latchkey_store_duration_seconds_count{operation="change",outcome="done"}',
    ]) {
      expect([line, sampleOf(one, line) ?? 0]).not.toEqual([line, 0])
      expect([line, sampleOf(two, line)]).toEqual([line, undefined])
    }
    await other.stop()
  })

  it('are refused without the token', async () => {
    for (const authorization of ['', 'Bearer', `Bearer ${metricsToken}x`, `bearer ${metricsToken}`, metricsToken]) {
      expect([authorization, (await scrape(running, { authorization })).status]).toEqual([authorization, 401])
    }
  })
})

describe('the ages of secrets', () => {
  it.each(databases)('are exact for few secrets on %s', async (database) => {
    const running = await startServer({ database })
    await register(running)
    await register(running)
    running.clock.advance(8 * 86_400_000)
    await register(running)
    const ages = await estimateSecretAges(running.server.service.store, running.clock.now())
    expect(ages.map(({ count }) => count)).toEqual([1, 0, 2, 0, 0, 0])
    await running.stop()
  })

  it.each(databases)('are estimated for many secrets on %s, without a read of them all', async (database) => {
    const running = await startServer({ database })
    const { store } = running.server.service
    const nowMs = running.clock.now()
    // A quarter of the secrets is at least a year old.
    await store.query(
      `insert into latchkey_tenants (tenant_id, version, created_at, changed_at)
       with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 8000)
       select 'many-' || n, 1, 0, 0 from numbers`,
    )
    const { rows } = await store.query<{ tenant_id: string }>(
      `select tenant_id from latchkey_tenants where tenant_id like 'many-%'`,
    )
    for (let start = 0; start < rows.length; start += 500) {
      const tuples = rows.slice(start, start + 500).map(({ tenant_id }, index) => {
        const createdAt = index % 4 === 0 ? nowMs - 400 * 86_400_000 : nowMs
        return `('${randomUUID()}', '${tenant_id}', 1, 'HS256', 'k', 's', ${createdAt}, 0)`
      })
      await store.query(
        `insert into latchkey_secrets (kid, tenant_id, generation, algorithm, master_key_id, sealed, created_at, reissue_required)
         values ${tuples.join(', ')}`,
      )
    }
    if (database === 'postgres') await store.query('analyze latchkey_secrets')
    const [day, , , , , older] = await estimateSecretAges(store, nowMs)
    // The tolerance is eight standard errors of the sample.
    expect(day?.count).toBeGreaterThan(5400)
    expect(day?.count).toBeLessThan(6600)
    expect(older?.count).toBeGreaterThan(1400)
    expect(older?.count).toBeLessThan(2600)
    await running.stop()
  })
})

describe('a scrape while PostgreSQL is frozen', () => {
  it('is answered at once, also many at a time, and shows that the state is old and could not be collected', async () => {
    const database = await createTestDatabase()
    const proxy = await startTcpProxy(database.url)
    const masterKeys = Keyring.generate('test')
    const running = await startServer({
      database: 'postgres',
      configuration: { metricsTokens: [metricsToken], database: { kind: 'postgres', url: proxy.url, masterKeys } },
    })
    const seen = async (line: string) => sampleOf((await scrape(running)).text, line)
    await expect.poll(() => seen('latchkey_audit_unsealed_entries')).toBe(0)
    expect(await seen('latchkey_state_age_seconds')).toBeLessThan(60)
    expect(await seen('latchkey_pool_connections_limit')).toBe(10)
    proxy.hold()
    proxy.freeze()
    // There are more calls than connections in the pool, and none can end before the statement
    // timeout.
    let hasEnded = false
    const calls = Array.from({ length: 40 }, () =>
      running.server.service.store.query('select 1').catch(() => {
        hasEnded = true
      }),
    )
    running.clock.advance(600_000)
    const scrapes = await Promise.all(Array.from({ length: 50 }, () => scrape(running)))
    expect(hasEnded).toBe(false)
    for (const { status, text } of scrapes) {
      expect(status).toBe(200)
      expect(sampleOf(text, 'latchkey_state_age_seconds')).toBeGreaterThanOrEqual(600)
      expect(sampleOf(text, 'latchkey_audit_unsealed_entries')).toBe(0)
      // At most one of the waiting calls is a collection.
      expect(sampleOf(text, 'latchkey_pool_waiting')).toBeGreaterThan(0)
    }
    const job = 'collect the state for metrics'
    const labels = `{chore="${job}"}`
    await expect.poll(() => seen(`latchkey_chore_failures_total${labels}`)).toBeGreaterThan(0)
    await Promise.all(calls)
    await proxy.close()
    await running.stop()
    await database.drop()
  })

  it('starts one collection at a time, and another one after a failure', async () => {
    let reads = 0
    let answer: (() => void) | undefined
    let fail: ((error: Error) => void) | undefined
    const query = () => {
      reads += 1
      return new Promise<{ rows: [] }>((resolve, reject) => {
        answer = () => resolve({ rows: [] })
        fail = reject
      })
    }
    const store = { dialect: 'sqlite', query } as unknown as SqlStore
    const clock = createShiftingClock()
    const collector = new StateCollector({ store, clock, keys: { encryptions: async () => new Map() } })
    expect([collector.state, collector.ageSec]).toEqual([undefined, Number.POSITIVE_INFINITY])
    const both = [collector.collect(), collector.collect()]
    expect(reads).toBe(1)
    fail?.(new Error('The database is away.'))
    expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(collector.state).toBeUndefined()
    let hasEnded = false
    const third = collector.collect().then(() => {
      hasEnded = true
    })
    while (!hasEnded) {
      answer?.()
      await setImmediate()
    }
    await third
    expect(collector.state?.mailWaiting).toBe(0)
    clock.advance(30_000)
    expect(collector.ageSec).toBeGreaterThanOrEqual(30)
  })
})

describe('the age of the last backup', () => {
  it.each(databases)('is infinite on %s until one is recorded', async (database) => {
    const running = await startServer({ database, configuration: { metricsTokens: [metricsToken] } })
    const age = async () => sampleOf((await scrape(running)).text, 'latchkey_backup_age_seconds')
    await expect.poll(age).toBe(Number.POSITIVE_INFINITY)
    const { store } = running.server.service
    await recordBackup(store, running.clock.now() - 7_200_000)
    await expect.poll(age).toBeLessThan(7300)
    expect(await age()).toBeGreaterThanOrEqual(7200)
    await recordBackup(store, running.clock.now())
    await expect.poll(age).toBeLessThan(3600)
    await running.stop()
  })
})

describe('metrics without a token', () => {
  const request = (remoteAddress: string, headers: Record<string, string> = {}) =>
    ({ headers, socket: { remoteAddress } }) as unknown as Parameters<ReturnType<typeof metricsAccess>>[0]

  it('are only for this machine', () => {
    for (const issuer of ['http://127.0.0.1:3000', 'http://localhost:3000', 'http://[::1]:3000']) {
      const may = metricsAccess({ tokens: undefined, issuer })
      expect(
        ['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1', '192.0.2.1', ''].map((ip) => may(request(ip))),
      ).toEqual([true, true, true, true, false, false])
    }
  })

  it('are refused once the server is published, because a proxy on this machine could forward any request', () => {
    const may = metricsAccess({ tokens: undefined, issuer: 'https://auth.example.com' })
    expect(may(request('127.0.0.1'))).toBe(false)
  })

  it.each(['x-forwarded-for', 'forwarded', 'x-real-ip'])(
    'are refused to a request that was forwarded with %s',
    (header) => {
      const may = metricsAccess({ tokens: undefined, issuer: 'http://localhost:3000' })
      expect(may(request('127.0.0.1', { [header]: '127.0.0.1' }))).toBe(false)
    },
  )

  it('are refused or returned by these rules', async () => {
    const open = await startServer({ database: 'sqlite', configuration: { issuer: 'http://localhost' } })
    const published = await startServer({ database: 'sqlite' })
    expect((await fetch(`${open.url}/metrics`)).status).toBe(200)
    const refused = await fetch(`${published.url}/metrics`)
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([401, 'metrics_refused'])
    await open.stop()
    await published.stop()
  })
})

describe('the dashboard and the alerts', () => {
  const read = (name: string) =>
    readFileSync(new URL(`../../../../../deploy/observability/${name}`, import.meta.url), 'utf8')
  const namesIn = (text: string) => new Set([...text.matchAll(/\blatchkey_[a-z_]+/g)].map(([name]) => name))
  const dashboard = JSON.parse(read('dashboard.json')) as { panels: { title: string; targets?: { expr: string }[] }[] }
  const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
  let text: string

  beforeAll(async () => {
    const running = await startServer({ database: 'postgres', configuration: { metricsTokens: [metricsToken] } })
    await login(running, (await register(running)).email)
    await vi.waitFor(
      async () => {
        text = (await scrape(running)).text
        expect(text).toContain('latchkey_secrets{')
      },
      { timeout: 60_000 },
    )
    await running.stop()
  })

  it('query metrics that a real scrape has, or that a rule records', () => {
    const types = new Map([...text.matchAll(/^# TYPE ([a-z_]+) ([a-z]+)$/gm)].map(([, name, type]) => [name, type]))
    const rules = read('alerts.yaml')
    const recorded = new Set([...rules.matchAll(/record: (\S+)/g)].map(([, name = '']) => name))
    const exists = (name: string) =>
      types.has(name) || types.get(name.replace(/_(bucket|sum|count)$/, '')) === 'histogram'
    const isKnown = (name: string) => exists(name) || [...recorded].some((rule) => rule.startsWith(`job:${name}:`))
    const used = [...namesIn(rules), ...namesIn(read('dashboard.json'))]
    expect(used.length).toBeGreaterThan(10)
    expect(used.filter((name) => !isKnown(name))).toEqual([])
    const ratios = [...`${rules}${queries.join()}`.matchAll(/job:latchkey_\w+:\w+/g)].map(([name]) => name)
    expect(ratios.filter((name) => !recorded.has(name))).toEqual([])
  })

  it('select by labels that these metrics have', () => {
    const ofTarget = ['instance', 'job', 'namespace']
    const all = `${read('alerts.yaml')}\n${queries.join('\n')}`
    const unknown = [...all.matchAll(/\b(latchkey_[a-z_]+)\{([^}]*)\}/g)].flatMap(([, name = '', selector = '']) => {
      const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`))
      const labels = [...selector.matchAll(/([a-z]+)\s*[=!]/g)].map(([, label = '']) => label)
      // A counter without increments has no labels yet.
      return lines.length === 0
        ? []
        : labels.filter((label) => !ofTarget.includes(label) && !lines[0]?.includes(`${label}=`))
    })
    expect(unknown).toEqual([])
  })

  it('show every metric', () => {
    const shown = queries.join('\n')
    const missing = [...text.matchAll(/^# TYPE ([a-z_]+) /gm)]
      .map(([, name = '']) => name)
      .filter((name) => !shown.includes(name))
    expect(missing).toEqual([])
  })

  it('is JSON that Grafana can import, with a query in each panel', () => {
    for (const panel of dashboard.panels) {
      expect([panel.title, panel.targets?.every(({ expr }) => expr.includes('latchkey_'))]).toEqual([panel.title, true])
    }
  })

  it('query metrics that pass promtool', () => {
    requireProgram('promtool', 'prometheus')
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
    expect([status, stdout + stderr]).toEqual([0, ''])
  })
})
