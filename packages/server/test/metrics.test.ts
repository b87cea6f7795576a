import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { metricsAccess } from '../src/ops/metrics-access.js'
import { createAdmin, freshEmail, login, password, register } from './support/people.js'
import { databases, startServer, type TestServer } from './support/start-server.js'

const metricsToken = 'a token for the scraper of these tests'.replaceAll(' ', '-')

async function scrape({ url }: Pick<TestServer, 'url'>, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${metricsToken}`, ...headers } })
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
}

/** The value of one line, such as `name{label="value"}`. */
function sampleOf(text: string, line: string): number | undefined {
  const found = text.split('\n').find((candidate) => candidate.startsWith(`${line} `))
  return found === undefined ? undefined : Number(found.slice(line.length + 1).replace('+Inf', 'Infinity'))
}

describe.each(databases)('the metrics of a server on %s', (database) => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database, configuration: { metricsToken } })
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

  it('count verifications by outcome, and by whether something had to be read', async () => {
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

  it('count how often a token was known already', async () => {
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
    expect(sampleOf(text, 'latchkey_feed_age_seconds')).toBeLessThan(running.configuration.maxStalenessMs / 1000)
    expect(sampleOf(text, 'latchkey_secrets{age="1d"}')).toBeGreaterThanOrEqual(0)
    expect(sampleOf(text, 'latchkey_event_loop_delay_seconds{quantile="0.99"}')).toBeGreaterThanOrEqual(0)
    await expect.poll(() => seen('latchkey_audit_unsealed_entries')).toBe(0)
  })

  it('are counted apart by two servers in one process', async () => {
    const other = await running.startAnother()
    await login(running, (await register(running)).email)
    expect(sampleOf((await scrape(other)).text, 'latchkey_logins_total{outcome="done"}')).toBeUndefined()
    await other.stop()
  })

  it('are refused to whoever lacks the token', async () => {
    for (const authorization of ['', 'Bearer', `Bearer ${metricsToken}x`, `bearer ${metricsToken}`, metricsToken]) {
      expect([authorization, (await scrape(running, { authorization })).status]).toEqual([authorization, 401])
    }
  })
})

describe('secrets', () => {
  it('are counted by their age', async () => {
    const running = await startServer({ database: 'sqlite', configuration: { metricsToken } })
    await register(running)
    await register(running)
    running.clock.advance(8 * 86_400_000)
    await register(running)
    const { text } = await scrape(running)
    const ages = ['1d', '7d', '30d', '90d', '365d', 'older'].map((age) =>
      sampleOf(text, `latchkey_secrets{age="${age}"}`),
    )
    expect(ages).toEqual([1, 0, 2, 0, 0, 0])
    await running.stop()
  })
})

describe('metrics without a token', () => {
  const request = (remoteAddress: string, headers: Record<string, string> = {}) =>
    ({ headers, socket: { remoteAddress } }) as unknown as Parameters<ReturnType<typeof metricsAccess>>[0]

  it('are for this machine alone', () => {
    for (const issuer of ['http://127.0.0.1:3000', 'http://localhost:3000', 'http://[::1]:3000']) {
      const may = metricsAccess({ token: undefined, issuer })
      expect(
        ['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1', '192.0.2.1', ''].map((ip) => may(request(ip))),
      ).toEqual([true, true, true, true, false, false])
    }
  })

  it('are for nobody once the server is published: a proxy on this machine would pass anybody on', () => {
    const may = metricsAccess({ token: undefined, issuer: 'https://auth.example.com' })
    expect(may(request('127.0.0.1'))).toBe(false)
  })

  it.each(['x-forwarded-for', 'forwarded', 'x-real-ip'])('are not for who was passed on with %s', (header) => {
    const may = metricsAccess({ token: undefined, issuer: 'http://localhost:3000' })
    expect(may(request('127.0.0.1', { [header]: '127.0.0.1' }))).toBe(false)
  })

  it('are answered accordingly', async () => {
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
  const read = (name: string) => readFileSync(new URL(`../../../deploy/observability/${name}`, import.meta.url), 'utf8')
  const namesIn = (text: string) => new Set([...text.matchAll(/\blatchkey_[a-z_]+/g)].map(([name]) => name))

  it('look at metrics and labels that a real scrape has', async () => {
    const running = await startServer({ database: 'sqlite', configuration: { metricsToken } })
    await login(running, (await register(running)).email)
    const { text } = await scrape(running)
    await running.stop()
    const types = new Map([...text.matchAll(/^# TYPE ([a-z_]+) ([a-z]+)$/gm)].map(([, name, type]) => [name, type]))
    const exists = (name: string) =>
      types.has(name) || types.get(name.replace(/_(bucket|sum|count)$/, '')) === 'histogram'
    const used = [...namesIn(read('alerts.yaml')), ...namesIn(read('dashboard.json'))]
    expect(used.length).toBeGreaterThan(10)
    expect(used.filter((name) => !exists(name))).toEqual([])
  })

  it('show every metric that there is', async () => {
    const running = await startServer({ database: 'sqlite', configuration: { metricsToken } })
    const { text } = await scrape(running)
    await running.stop()
    const shown = read('dashboard.json')
    const missing = [...text.matchAll(/^# TYPE ([a-z_]+) /gm)]
      .map(([, name = '']) => name)
      .filter((name) => !shown.includes(name))
    expect(missing).toEqual([])
  })

  it('is JSON that Grafana can import, with a query in each panel', () => {
    const dashboard = JSON.parse(read('dashboard.json')) as {
      panels: { title: string; targets?: { expr: string }[] }[]
    }
    for (const panel of dashboard.panels) {
      expect([panel.title, panel.targets?.every(({ expr }) => expr.includes('latchkey_'))]).toEqual([panel.title, true])
    }
  })
})
