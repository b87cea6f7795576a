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
  frameworks,
  headersWith,
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
  /** The share of the open route's requests per second in the same round; median. */
  readonly throughputRatio: number
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
  for (const framework of frameworks) results.push(...(await measureFramework(framework)))
} finally {
  await postgres.dispose()
}
await publish({
  name: 'http',
  flags,
  results: { tenants, rounds, connections, routes: results },
  tables: [tableOf(results)],
  bars: barsOf(results),
  summary: [summaryOf(results)],
})

async function measureFramework(framework: Framework): Promise<RouteResult[]> {
  const server = await ServerProcess.start(framework, postgres.url, tenants)
  const { routes } = server.ready
  try {
    for (const route of routes) await checkRoute(server.ready, route)
    const samples = new Map<Route, Sample[]>(routes.map((route) => [route, []]))
    // The first round warms up and is not counted.
    for (let round = 0; round <= rounds; round += 1) {
      for (const route of beginningAt(routes, round)) {
        const sample = await measure(server, route)
        if (round > 0) samples.get(route)?.push(sample)
      }
    }
    const open = samples.get(routes[0] as Route) ?? []
    return routes.map((route) => summary(framework, route, samples.get(route) ?? [], open))
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
  const list = shuffled(tokens[kind])
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
  if ((await call(tokens[takes][0])) !== 200) throw new Error(`${name} refuses a valid token.`)
  for (const [at, token] of bad[takes].entries()) {
    if ((await call(token)) !== 401) throw new Error(`${name} does not refuse bad token ${at}.`)
  }
}

function summary(framework: Framework, route: Route, own: readonly Sample[], open: readonly Sample[]): RouteResult {
  const ratios = (of: (own: Sample, open: Sample) => number) =>
    median(own.flatMap((sample, round) => (open[round] === undefined ? [] : [of(sample, open[round])])))
  return {
    framework,
    route: route.name,
    requestsPerSecond: median(own.map((sample) => sample.requestsPerSecond)),
    p99Ms: median(own.map((sample) => sample.p99Ms)),
    cpuMicroseconds: median(own.map((sample) => sample.cpuMicroseconds)),
    throughputRatio: ratios((sample, other) => sample.requestsPerSecond / other.requestsPerSecond),
    cpuRatio: ratios((sample, other) => other.cpuMicroseconds / sample.cpuMicroseconds),
  }
}

function tableOf(all: readonly RouteResult[]): Table {
  return {
    title: `A guarded route beside an open one on the same server: ${connections} connections, median of ${rounds} rounds`,
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

/** Returns a table with one row per framework. */
function summaryOf(all: readonly RouteResult[]): Table {
  const share = (framework: Framework, isMeant: (route: string) => boolean) => {
    const result = all.find((row) => row.framework === framework && isMeant(row.route))
    return result === undefined ? '' : result.throughputRatio.toFixed(2)
  }
  const peers = { express: 'express-jwt', fastify: '@fastify/jwt', hono: 'hono/jwt' }
  return {
    title: 'Requests per second of a guarded route, as a share of an open route’s',
    header: ['', emptyRoute, 'Latchkey', 'express-jwt, @fastify/jwt, hono/jwt', versionRoute, sessionRoute],
    rows: frameworks.map((framework) => [
      framework,
      share(framework, (route) => route === emptyRoute),
      share(framework, (route) => route === 'Latchkey'),
      share(framework, (route) => route === peers[framework]),
      share(framework, (route) => route === versionRoute),
      share(framework, (route) => route === sessionRoute),
    ]),
  }
}

function barsOf(all: readonly RouteResult[]): readonly Bar[] {
  const wanted = { express: 0.95, fastify: 0.92, hono: 0.92 }
  return all
    .filter(({ route }) => route === 'Latchkey')
    .map(({ framework, throughputRatio }) => ({
      what: `${framework}: requests per second, guarded by open`,
      wanted: wanted[framework],
      measured: throughputRatio,
      unit: '',
    }))
}
