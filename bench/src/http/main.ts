/**
 * `npm run bench:http`: the cost of a guard on a real server, per framework, beside an open route
 * of the same server.
 */
import autocannon from 'autocannon'
import { startPostgres } from '../../../test/support/start-postgres.js'
import type { Bar } from '../bars.js'
import { publish } from '../publish.js'
import { shuffled } from '../shuffled.js'
import { median } from '../statistics.js'
import { formatCount, type Table } from '../table.js'
import { httpFlags } from './http-flags.js'
import {
  emptyRoute,
  type Framework,
  type FrameworkBesidePeers,
  frameworksBesidePeers,
  headersWith,
  isBesidePeers,
  latchkeyRoute,
  type Ready,
  type Route,
  sessionRoute,
  versionRoute,
} from './messages.js'
import { ServerProcess } from './server-process.js'

interface Sample {
  readonly requestsPerSecond: number
  readonly p99Ms: number
  readonly cpuMicroseconds: number
}

interface RouteResult extends Sample {
  readonly framework: Framework
  readonly route: string
  /** How often the route was measured. */
  readonly rounds: number
  /** The share of the open route's requests per second in the same round; median. */
  readonly throughputRatio: number
  /** The same, of the route whose guard does nothing. */
  readonly ofEmptyGuard: number
  /**
   * The open route's CPU time per request divided by this one's: the ratio if the server alone were
   * the bottleneck.
   */
  readonly cpuRatio: number
}

const { rounds, ...flags } = httpFlags()
const tenants = flags.quick ? 1000 : 10_000
// Short, so that the speed of the machine hardly drifts between a route and the open one.
const durationSec = 1
const connections = 20

const postgres = await startPostgres()
const results: RouteResult[] = []
try {
  for (const [framework, count] of rounds) results.push(...(await measureFramework(framework, count)))
} finally {
  await postgres.dispose()
}
const besidePeers = results.filter(({ framework }) => isBesidePeers(framework))
await publish({
  name: 'http',
  flags,
  results: { tenants, connections, routes: results },
  tables: [...(besidePeers.length > 0 ? [tableOf(besidePeers)] : []), adapterTable(results)],
  bars: barsOf(results),
  summary: [summaryOf(results)],
})

async function measureFramework(framework: Framework, count: number): Promise<RouteResult[]> {
  const server = await ServerProcess.start(framework, postgres.url, tenants)
  const { routes } = server.ready
  try {
    for (const route of routes) await checkRoute(server.ready, route)
    const samples = new Map<Route, Sample[]>(routes.map((route) => [route, []]))
    // The first round warms up and is not counted.
    for (let round = 0; round <= count; round += 1) {
      for (const route of beginningAt(routes, round)) {
        const sample = await measure(server, route)
        if (round > 0) samples.get(route)?.push(sample)
      }
    }
    const ofRoute = (name: string) => [...samples].find(([route]) => route.name === name)?.[1] ?? []
    const beside = { open: ofRoute('open'), empty: ofRoute(emptyRoute) }
    return [...samples].map(([route, own]) => summary(framework, route, own, beside))
  } finally {
    await server.stop()
  }
}

/** Rotates the routes, so that none always runs after the same one and collects its garbage. */
function beginningAt(routes: readonly Route[], round: number): readonly Route[] {
  const first = round % routes.length
  return [...routes.slice(first), ...routes.slice(0, first)]
}

async function measure(server: ServerProcess, route: Route): Promise<Sample> {
  const { tokens } = server.ready
  const kind = route.takes === 'none' ? 'tenant' : route.takes
  const list = shuffled(tokens[kind] ?? [])
  let connected = 0
  const before = await server.cpuTime()
  const { requests, latency, non2xx, errors } = await autocannon({
    url: route.url,
    connections,
    duration: durationSec,
    // Each connection sends its own share of the tokens. The open route gets the same ones.
    setupClient: (client) => {
      const share = list.filter((_, at) => at % connections === connected)
      connected += 1
      client.setRequests(share.map((token) => ({ headers: headersWith(kind, token) })))
    },
  })
  const cpu = (await server.cpuTime()) - before
  if (non2xx > 0 || errors > 0) throw new Error(`${route.name}: ${non2xx} refusals and ${errors} errors.`)
  return { requestsPerSecond: requests.total / durationSec, p99Ms: latency.p99, cpuMicroseconds: cpu / requests.total }
}

/** Throws unless the guard accepts a valid token and refuses the bad ones. */
async function checkRoute({ tokens, bad }: Ready, { url, name, takes }: Route): Promise<void> {
  if (takes === 'none') return
  const call = async (token = '') => (await fetch(url, { headers: headersWith(takes, token) })).status
  if ((await call(tokens[takes]?.[0])) !== 200) throw new Error(`${name} refuses a valid token.`)
  for (const [at, token] of (bad[takes] ?? []).entries()) {
    if ((await call(token)) !== 401) throw new Error(`${name} does not refuse bad token ${at}.`)
  }
}

/** The samples of the routes that a route is compared with. */
interface Beside {
  readonly open: readonly Sample[]
  readonly empty: readonly Sample[]
}

function summary(framework: Framework, route: Route, own: readonly Sample[], { open, empty }: Beside): RouteResult {
  const ratios = (others: readonly Sample[], of: (own: Sample, other: Sample) => number) =>
    median(own.flatMap((sample, round) => (others[round] === undefined ? [] : [of(sample, others[round])])))
  const throughput = (sample: Sample, other: Sample) => sample.requestsPerSecond / other.requestsPerSecond
  return {
    framework,
    route: route.name,
    rounds: own.length,
    requestsPerSecond: median(own.map((sample) => sample.requestsPerSecond)),
    p99Ms: median(own.map((sample) => sample.p99Ms)),
    cpuMicroseconds: median(own.map((sample) => sample.cpuMicroseconds)),
    throughputRatio: ratios(open, throughput),
    ofEmptyGuard: ratios(empty, throughput),
    cpuRatio: ratios(open, (sample, other) => other.cpuMicroseconds / sample.cpuMicroseconds),
  }
}

function tableOf(all: readonly RouteResult[]): Table {
  return {
    title: `A guarded route beside an open one on the same server: ${connections} connections, median of ${all[0]?.rounds ?? 0} rounds`,
    header: ['', 'requests/s', 'of open', 'p99', 'server CPU', 'of open'],
    rows: all.map((row) => [
      `${row.framework}: ${row.route}`,
      formatCount(row.requestsPerSecond),
      row.throughputRatio.toFixed(2),
      `${row.p99Ms.toFixed(0)} ms`,
      `${row.cpuMicroseconds.toFixed(1)} µs`,
      row.cpuRatio.toFixed(2),
    ]),
  }
}

/** Returns a table with one row per framework, of the three routes that each has. */
function adapterTable(all: readonly RouteResult[]): Table {
  const cells = (framework: Framework, route: string, cell: (row: RouteResult) => string) =>
    all.filter((row) => row.framework === framework && row.route === route).map(cell)
  return {
    title: 'Each adapter beside a guard that does nothing, in requests per second',
    header: ['', 'open', emptyRoute, latchkeyRoute, 'of the guard that does nothing', 'rounds'],
    rows: [...rounds].map(([framework, count]) => [
      framework,
      ...['open', emptyRoute, latchkeyRoute].flatMap((route) =>
        cells(framework, route, ({ requestsPerSecond }) => formatCount(requestsPerSecond)),
      ),
      ...cells(framework, latchkeyRoute, ({ ofEmptyGuard }) => ofEmptyGuard.toFixed(2)),
      String(count),
    ]),
  }
}

/** Returns a table with one row per framework that is measured beside peers. */
function summaryOf(all: readonly RouteResult[]): Table {
  const share = (framework: FrameworkBesidePeers, isMeant: (route: string) => boolean) => {
    const result = all.find((row) => row.framework === framework && isMeant(row.route))
    return result === undefined ? '' : result.throughputRatio.toFixed(2)
  }
  const peers = { express: 'express-jwt', fastify: '@fastify/jwt', hono: 'hono/jwt' }
  return {
    title: 'Requests per second of a guarded route, as a share of an open route’s',
    header: ['', emptyRoute, latchkeyRoute, 'express-jwt, @fastify/jwt, hono/jwt', versionRoute, sessionRoute],
    rows: frameworksBesidePeers.map((framework) => [
      framework,
      share(framework, (route) => route === emptyRoute),
      share(framework, (route) => route === latchkeyRoute),
      share(framework, (route) => route === peers[framework]),
      share(framework, (route) => route === versionRoute),
      share(framework, (route) => route === sessionRoute),
    ]),
  }
}

function barsOf(all: readonly RouteResult[]): readonly Bar[] {
  const guarded = all.filter(({ route }) => route === latchkeyRoute)
  return [...guarded.flatMap(barByOpen), ...guarded.map(barByEmptyGuard)]
}

function barByOpen({ framework, throughputRatio }: RouteResult): readonly Bar[] {
  if (!isBesidePeers(framework)) return []
  const wanted = { express: 0.95, fastify: 0.92, hono: 0.92 }[framework]
  return [{ what: `${framework}: requests per second, guarded by open`, wanted, measured: throughputRatio, unit: '' }]
}

function barByEmptyGuard({ framework, ofEmptyGuard }: RouteResult): Bar {
  const what = `${framework}: requests per second, guarded by a guard that does nothing`
  return { what, wanted: 0.92, measured: ofEmptyGuard, unit: '' }
}
