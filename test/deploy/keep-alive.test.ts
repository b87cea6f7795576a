import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { readConfiguration } from '../../packages/server/src/config/configuration.js'
import { startServer, type TestServer } from '../../packages/server/test/support/start-server.js'
import { freePort } from '../support/free-port.js'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js'
import { nameOf } from './support/kubernetes-manifests.js'
import { renderVariant } from './support/kustomize-variants.js'
import { type NginxProcess, startNginx } from './support/start-nginx.js'

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8')

/** The default keep-alive timeout of a server. */
const { keepAliveSec: byDefaultSec } = readConfiguration({ LATCHKEY_ISSUER: 'https://auth.test' })

/** Returns the seconds of a duration such as "60s"; throws for any other unit. */
function secondsOf(duration: string | undefined): number {
  const seconds = /^(\d+)s$/.exec(duration ?? '')?.[1]
  if (seconds === undefined) throw new Error(`This is no number of seconds: ${duration}.`)
  return Number(seconds)
}

/** Returns the directives of the block `upstream latchkey` of an nginx configuration. */
function upstreamOf(configuration: string): ReadonlyMap<string, string> {
  const body = /\bupstream latchkey \{([^}]*)\}/.exec(configuration)?.[1]
  if (body === undefined) throw new Error('The configuration has no upstream of the name latchkey.')
  const directives = body.replaceAll(/#.*/g, '').split(';')
  return new Map(directives.map((directive) => directive.trim().split(/\s+(.*)/s, 2) as [string, string]))
}

/** Returns the destinations of requests: the host of each `proxy_pass`. */
const passedTo = (configuration: string) =>
  [...configuration.matchAll(/^\s*proxy_pass https?:\/\/([^/;]+)/gm)].map(([, host]) => host)

describe('an idle connection to the server is closed first', () => {
  it.each([
    ['deploy/forward-auth/nginx.conf', ['latchkey', 'application']],
    ['deploy/compose/nginx.conf', ['latchkey']],
    ['docs/guides/deploy-vm.md', ['latchkey']],
  ])('by %s', (path, upstreams) => {
    const configuration = read(path)
    expect(new Set(passedTo(configuration))).toEqual(new Set(upstreams))
    const upstream = upstreamOf(configuration)
    expect(Number(upstream.get('keepalive'))).toBeGreaterThan(0)
    expect(secondsOf(upstream.get('keepalive_timeout'))).toBeLessThan(byDefaultSec)
  })

  it('by deploy/forward-auth/envoy.yaml', () => {
    const { clusters } = parse(read('deploy/forward-auth/envoy.yaml')).static_resources
    const { typed_extension_protocol_options: options } = clusters.find(
      ({ name }: { name: string }) => name === 'latchkey',
    )
    const http = options['envoy.extensions.upstreams.http.v3.HttpProtocolOptions']
    expect(secondsOf(http.common_http_protocol_options.idle_timeout)).toBeLessThan(byDefaultSec)
  })

  it('by deploy/forward-auth/traefik.yaml, with the default of Traefik for forwardAuth', () => {
    const { middlewares, services, serversTransports } = parse(read('deploy/forward-auth/traefik.yaml')).http
    const asking = Object.values(middlewares as Record<string, { forwardAuth?: Record<string, unknown> }>).flatMap(
      ({ forwardAuth }) => forwardAuth ?? [],
    )
    expect(asking).toHaveLength(2)
    // With or without `tls`, the client of forwardAuth has the default transport of Go's net/http:
    // 90 seconds.
    expect(90).toBeLessThan(byDefaultSec)
    const { idleConnTimeout } = serversTransports[services.latchkey.loadBalancer.serversTransport].forwardingTimeouts
    expect(secondsOf(idleConnTimeout)).toBeLessThan(byDefaultSec)
  })

  it('by deploy/kustomize/overlays/local, in Envoy Gateway', () => {
    const manifests = renderVariant('overlays/local')
    const policy = manifests.find((manifest) => nameOf(manifest) === 'BackendTrafficPolicy/latchkey')
    const [target] = policy?.spec.targetRefs ?? []
    expect(manifests.map(nameOf)).toContain(`${target?.kind}/${target?.name}`)
    expect(keepAliveOf('overlays/local')).toBeGreaterThan(secondsOf(policy?.spec.timeout.http.connectionIdleTimeout))
  })

  it('by deploy/kustomize/overlays/gke, where the load balancer of Google has 600 seconds', () => {
    expect(keepAliveOf('overlays/gke')).toBeGreaterThan(600)
  })

  function keepAliveOf(variant: string): number {
    const settings = renderVariant(variant).flatMap(({ kind, data }) => (kind === 'ConfigMap' ? [data] : []))
    return Number(settings.find((data) => data.LATCHKEY_KEEP_ALIVE !== undefined)?.LATCHKEY_KEEP_ALIVE ?? byDefaultSec)
  }
})

describe('a server at some distance behind a real nginx', () => {
  const keepAliveSec = 3
  // Also the margin of the test: by so much its requests may be late.
  const distanceMs = 1000
  let latchkey: TestServer
  let network: TcpProxy
  let keptMs: number

  beforeAll(async () => {
    latchkey = await startServer({ database: 'sqlite', configuration: { keepAliveSec } })
    network = await startTcpProxy(latchkey.url)
    keptMs = await idleTimeOf(latchkey.url)
    network.lengthen(distanceMs)
  })
  afterAll(async () => {
    await network?.close()
    await latchkey?.stop()
  })

  /** Returns the milliseconds after which the server closes an idle connection. */
  async function idleTimeOf(url: string): Promise<number> {
    const { port, hostname } = new URL(url)
    const socket = connect(Number(port), hostname)
    socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(socket, 'data')
    const begunAt = performance.now()
    socket.resume()
    await once(socket, 'close')
    return performance.now() - begunAt
  }

  async function startCompose(idleTimeout: string): Promise<{ url: string; nginx: NginxProcess }> {
    const url = `http://127.0.0.1:${await freePort()}`
    const configuration = read('deploy/compose/nginx.conf')
      // Each worker keeps connections of its own.
      .replace('worker_processes auto', 'worker_processes 1')
      .replace(/( *server [\d.]+:3000 .*\n)+/, `server ${new URL(network.url).host};\n`)
      .replace('listen 8080', `listen ${new URL(url).host}`)
      .replace('keepalive_timeout 60s', `keepalive_timeout ${idleTimeout}`)
    return { url, nginx: await startNginx(configuration, `${url}/livez`) }
  }

  /** Sends a request that no proxy repeats, because it is not idempotent; returns its status. */
  async function post(url: string, agent: Agent): Promise<number | undefined> {
    const sent = request(`${url}/livez`, { agent, method: 'POST' }).end()
    const [answer] = await once(sent, 'response')
    answer.resume()
    return answer.statusCode
  }

  /**
   * Sends a request on as many connections as there are pauses, and another on each after its
   * pause; returns the second statuses.
   */
  async function statusesAfter(url: string, pausesMs: readonly number[]) {
    const agent = new Agent({ keepAlive: true })
    const first = await Promise.all(pausesMs.map(() => post(url, agent)))
    expect(new Set(first)).toEqual(new Set([405]))
    const statuses = await Promise.all(pausesMs.map((pauseMs) => sleep(pauseMs).then(() => post(url, agent))))
    agent.destroy()
    return statuses
  }

  it('gets no request on a connection that it closes, because nginx has closed it before', async () => {
    const { url, nginx } = await startCompose('1s')
    const around = (ms: number) => [-100, -50, -10, 0, 10, 50, 100].map((offset) => ms + offset)
    const pauses = [...around(1000), ...around(keptMs - distanceMs), ...around(keptMs)]
    expect(new Set(await statusesAfter(url, pauses))).toEqual(new Set([405]))
    await nginx.stop()
  })

  it('loses a request if nginx keeps connections for longer than the server', async () => {
    const { url, nginx } = await startCompose('60s')
    // The request is sent before the end of the connection arrives, and is in transit when the
    // server closes it.
    expect(await statusesAfter(url, [keptMs - distanceMs])).toEqual([502])
    await nginx.stop()
  })
})
