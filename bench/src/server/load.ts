import { setTimeout as sleep } from 'node:timers/promises'
import autocannon from 'autocannon'
import { quantile } from '../statistics.js'
import { fromNextAddress } from './client-addresses.js'
import type { Call, Protocol, Visitor } from './protocols.js'
import { newEmail, signInAgain } from './send.js'
import type { ServedProcess } from './served-process.js'

/** The measured requests, in the order of the tables. */
export const operations = ['sign-in', 'sign-up', 'refresh', 'who am I'] as const
export type Operation = (typeof operations)[number]

/** The result of one load. */
export interface Sample {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** CPU time of the server's process for one request, all its threads. */
  readonly cpuMicros: number
}

/** A server under load. */
export interface Target {
  readonly server: ServedProcess
  readonly protocol: Protocol
  /** Users who have signed up before. */
  readonly visitors: readonly Visitor[]
}

/** The size of one load. */
export interface Load {
  readonly operation: Operation
  readonly connections: number
  readonly durationSec: number
}

/** So many requests of each connection are prepared, each from another client address. */
const preparedRequests = 64

/**
 * Sends one kind of request over this many connections, as fast as the server answers.
 *
 * @throws Error if one request is refused
 */
export async function measureLoad(target: Target, load: Load): Promise<Sample> {
  const { server, protocol } = target
  const { operation, connections, durationSec } = load
  const requestsFor = await plan(target, load)
  const latencies: number[] = []
  let connected = 0
  let startedAt = 0
  let endedAt = 0
  const before = await server.usage()
  const { non2xx, errors } = await autocannon({
    url: server.url,
    connections,
    duration: durationSec,
    sampleInt: 50,
    timeout: 60,
    setupClient: (client) => {
      client.setRequests(requestsFor(connected))
      connected += 1
      startedAt = performance.now()
      // The result of autocannon has whole milliseconds only.
      client.on('response', (_status, _bytes, ms) => {
        latencies.push(ms)
        endedAt = performance.now()
      })
    },
  })
  const after = await server.usage()
  await settle(server)
  if (non2xx > 0 || errors > 0) {
    throw new Error(`${protocol.readyPath}: ${operation}: ${non2xx} refusals and ${errors} errors.`)
  }
  // A short load on a busy machine may end before the first response.
  if (latencies.length === 0) return measureLoad(target, { ...load, durationSec: 2 * durationSec })
  return {
    perSecond: (1000 * latencies.length) / (endedAt - startedAt),
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    cpuMicros: (after.cpuMicros - before.cpuMicros) / latencies.length,
  }
}

/**
 * Resolves once the server has finished the requests that the end of the load cut off. Their hashes
 * would take time from the next server.
 */
async function settle(server: ServedProcess): Promise<void> {
  const stepMs = 50
  for (let busy = true; busy; ) {
    const { cpuMicros } = await server.usage()
    await sleep(stepMs)
    const usedMs = ((await server.usage()).cpuMicros - cpuMicros) / 1000
    busy = usedMs > stepMs / 10
  }
}

type Requests = autocannon.Request[]

/** Returns the requests of each connection. */
async function plan({ server, protocol, visitors }: Target, { operation, connections }: Load) {
  const origin = server.url
  const shareOf = (connection: number) => visitors.filter((_, at) => at % connections === connection % visitors.length)
  const repeated = (call: (visitor: Visitor) => Call) => (connection: number) =>
    prepared(shareOf(connection), call, origin)
  if (operation === 'sign-in') return repeated((visitor) => protocol.signIn(visitor))
  if (operation === 'who am I') return repeated((visitor) => protocol.whoAmI(visitor))
  if (operation === 'sign-up') return (): Requests => [changing(() => protocol.signUp(newEmail()), origin)]
  if (protocol.nextRefreshToken === undefined) return repeated((visitor) => protocol.refresh(visitor))
  // New sessions, because the end of the last load left some refresh tokens unread.
  const sessions = await signInAgain(origin, protocol, visitors.slice(0, connections))
  return (connection: number): Requests => [refreshing(sessions[connection], protocol, origin)]
}

/** Returns requests for the visitors in turn. */
function prepared(visitors: readonly Visitor[], call: (visitor: Visitor) => Call, origin: string): Requests {
  const requests: Requests = []
  while (visitors.length > 0 && requests.length < preparedRequests) {
    requests.push(...visitors.map((visitor) => requestOf(call(visitor), origin)))
  }
  return requests
}

/** Returns a request that is created anew each time, besides what autocannon has added to it. */
function changing(call: () => Call, origin: string): autocannon.Request {
  return { ...requestOf(call(), origin), setupRequest: (request) => ({ ...request, ...requestOf(call(), origin) }) }
}

/** Returns the refresh of one session, with the token of the last answer. */
function refreshing(session: Visitor | undefined, protocol: Protocol, origin: string): autocannon.Request {
  if (session === undefined) throw new Error('There are fewer visitors than connections.')
  let visitor = session
  return {
    ...changing(() => protocol.refresh(visitor), origin),
    onResponse: (status, body) => {
      const refreshToken = status === 200 ? protocol.nextRefreshToken?.(body) : undefined
      if (refreshToken !== undefined) visitor = { ...visitor, refreshToken }
    },
  }
}

function requestOf({ method, path, headers, body }: Call, origin: string): autocannon.Request {
  return {
    method,
    path,
    headers: { origin, ...fromNextAddress(), ...headers },
    ...(body === undefined ? {} : { body }),
  }
}
