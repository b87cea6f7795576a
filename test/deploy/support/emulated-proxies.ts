import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { parse } from 'yaml'
import { findFilter } from './find-filter.js'

// No registry that the tests may use has Traefik or Envoy. These emulations read the real files.
// They implement the options in the files by the documentation and the source of the proxies
// (Traefik 3.7, Envoy 1.34), and no other options.

/** A listening proxy. */
export interface EmulatedProxy {
  readonly port: number
  close(): void
}

/** Header names in lower case, with all their values. */
type Fields = Map<string, string[]>

/** The answer of the authorization server. */
interface Decision {
  readonly status: number
  readonly fields: Fields
  readonly body: Buffer
}

/** Either the answer to the client, or the URL and header fields to pass the request on with. */
type Outcome = { readonly refused: Decision } | { readonly url: string; readonly fields: Fields }

/** The addresses for the names in the files. */
export interface Upstreams {
  /** Replaces `latchkey:3000`. */
  readonly latchkey: string
  /** Replaces `application:8000`. */
  readonly application: string
}

/** Sends a request to the authorization server. */
type Ask = (url: string, method: string, fields: Fields) => Promise<Decision>

interface TraefikFile {
  readonly http: {
    readonly routers: Readonly<
      Record<string, { readonly rule: string; readonly middlewares: readonly string[]; readonly service: string }>
    >
    readonly services: Readonly<
      Record<string, { readonly loadBalancer: { readonly servers: readonly { readonly url: string }[] } }>
    >
    readonly middlewares: Readonly<
      Record<
        string,
        {
          readonly stripPrefix?: { readonly prefixes: readonly string[] }
          readonly headers?: { readonly customRequestHeaders: Readonly<Record<string, string>> }
          readonly forwardAuth?: {
            readonly address: string
            readonly authRequestHeaders: readonly string[]
            readonly authResponseHeaders: readonly string[]
            readonly authResponseHeadersRegex?: string
          }
        }
      >
    >
  }
}

/** Emulates Traefik with a file of its file provider. */
export function emulateTraefik(text: string, upstreams: Upstreams, port = 0): Promise<EmulatedProxy> {
  const { routers, middlewares, services } = (parse(rename(text, upstreams), { merge: true }) as TraefikFile).http
  const routed = Object.values(routers).toSorted((a, b) => b.rule.length - a.rule.length)
  return start(port, async (request, fields, ask) => {
    let path = request.url ?? '/'
    applyConnection(fields)
    for (const name of [...fields.keys()]) if (/^x[-_](forwarded[-_]|real[-_]ip$)/.test(name)) fields.delete(name)
    const router = routed.find(({ rule }) => matchesRule(rule, path))
    if (router === undefined) return { refused: answer(404) }
    for (const name of router.middlewares) {
      const { headers, forwardAuth, stripPrefix } = middlewares[name] ?? {}
      const prefix = stripPrefix?.prefixes.find((stripped) => path.startsWith(stripped))
      if (prefix !== undefined) path = path.slice(prefix.length)
      for (const [header, value] of Object.entries(headers?.customRequestHeaders ?? {})) {
        if (value === '') fields.delete(header.toLowerCase())
        else fields.set(header.toLowerCase(), [value])
      }
      if (forwardAuth === undefined) continue
      const question = only(fields, forwardAuth.authRequestHeaders)
      for (const hop of ['connection', 'upgrade', 'te', 'keep-alive', 'transfer-encoding']) question.delete(hop)
      question.set('x-forwarded-method', [request.method ?? ''])
      question.set('x-forwarded-proto', ['http'])
      question.set('x-forwarded-uri', [request.url ?? ''])
      question.set('x-forwarded-host', fields.get('host') ?? [])
      const decision = await ask(forwardAuth.address, 'GET', question)
      if (decision.status < 200 || decision.status > 299) return { refused: decision }
      replace(fields, decision.fields, forwardAuth.authResponseHeaders)
      const source = forwardAuth.authResponseHeadersRegex
      if (source === undefined) continue
      const pattern = new RegExp(source.replace('(?i)', ''), source.startsWith('(?i)') ? 'i' : '')
      const matching = [...fields.keys(), ...decision.fields.keys()].filter((name) => pattern.test(canonical(name)))
      replace(fields, decision.fields, matching)
    }
    fields.set('x-forwarded-proto', ['http'])
    return { url: `${services[router.service]?.loadBalancer.servers[0]?.url}${path}`, fields }
  })
}

function matchesRule(rule: string, path: string): boolean {
  const prefix = /(?<!!)PathPrefix\(`([^`]*)`\)/.exec(rule)?.[1] ?? '/'
  const excluded = /!Path\(`([^`]*)`\)/.exec(rule)?.[1]
  return path.startsWith(prefix) && path.split('?', 1)[0] !== excluded
}

interface ExtAuthz {
  readonly allowed_headers: Patterns
  readonly status_on_error: { readonly code: string }
  readonly http_service: {
    readonly server_uri: { readonly uri: string }
    readonly path_prefix: string
    readonly authorization_request: {
      readonly headers_to_add: readonly { readonly key: string; readonly value: string }[]
    }
    readonly authorization_response: {
      readonly allowed_upstream_headers: Patterns
      readonly allowed_client_headers: Patterns
    }
  }
}

interface Patterns {
  readonly patterns: readonly { readonly exact: string }[]
}

interface ConnectionManager {
  readonly common_http_protocol_options?: { readonly headers_with_underscores_action?: string }
  readonly route_config: { readonly virtual_hosts: readonly { readonly routes: readonly EnvoyRoute[] }[] }
}

interface EnvoyRoute {
  readonly match: { readonly path?: string; readonly prefix?: string }
  readonly route?: { readonly cluster: keyof Upstreams; readonly prefix_rewrite?: string }
  readonly direct_response?: { readonly status: number }
  readonly request_headers_to_remove?: readonly string[]
  readonly typed_per_filter_config?: Readonly<Record<string, { readonly disabled?: boolean }>>
}

/** Emulates Envoy with a bootstrap file. */
export function emulateEnvoy(text: string, upstreams: Upstreams, port = 0): Promise<EmulatedProxy> {
  const file: unknown = parse(rename(text, upstreams))
  const manager = findFilter(file, 'envoy.filters.network.http_connection_manager') as ConnectionManager
  const { allowed_headers, http_service } = findFilter(file, 'envoy.filters.http.ext_authz') as ExtAuthz
  const names = ({ patterns }: Patterns) => patterns.map(({ exact }) => exact)
  const routes = manager.route_config.virtual_hosts[0]?.routes ?? []
  return start(port, async (request, fields, ask) => {
    const rejects = manager.common_http_protocol_options?.headers_with_underscores_action === 'REJECT_REQUEST'
    if (rejects && [...fields.keys()].some((name) => name.includes('_'))) return { refused: answer(400) }
    applyConnection(fields)
    fields.set('x-forwarded-proto', ['http'])
    const asked = request.url ?? '/'
    const path = asked.split('?', 1)[0]
    const routed = routes.find(({ match }) => match.path === path || asked.startsWith(match.prefix ?? '\0'))
    if (routed?.route === undefined) return { refused: answer(routed?.direct_response?.status ?? 404) }
    const { cluster, prefix_rewrite } = routed.route
    const rest = prefix_rewrite === undefined ? asked : prefix_rewrite + asked.slice(routed.match.prefix?.length)
    const target = `http://${upstreams[cluster]}${rest}`
    if (routed.typed_per_filter_config?.['envoy.filters.http.ext_authz']?.disabled) return { url: target, fields }
    const question = only(fields, names(allowed_headers))
    question.set('host', fields.get('host') ?? [])
    for (const { key, value } of http_service.authorization_request.headers_to_add) question.set(key, [value])
    const url = `${http_service.server_uri.uri}${http_service.path_prefix}${request.url}`
    const decision = await ask(url, request.method ?? 'GET', question)
    const { allowed_client_headers, allowed_upstream_headers } = http_service.authorization_response
    if (decision.status >= 500) return { refused: answer(503) }
    if (decision.status !== 200) {
      return { refused: { ...decision, fields: only(decision.fields, names(allowed_client_headers)) } }
    }
    // Unlike Traefik, Envoy keeps header fields that the answer does not have.
    replace(
      fields,
      decision.fields,
      names(allowed_upstream_headers).filter((name) => decision.fields.has(name)),
    )
    for (const name of routed.request_headers_to_remove ?? []) fields.delete(name)
    return { url: target, fields }
  })
}

/** Removes the fields that `Connection` names, and keeps only an upgrade of that header itself. */
function applyConnection(fields: Fields): void {
  const tokens = (fields.get('connection') ?? [])
    .flatMap((value) => value.split(','))
    .map((one) => one.trim().toLowerCase())
  for (const token of tokens) if (token !== 'upgrade') fields.delete(token)
  if (tokens.includes('upgrade') && fields.has('upgrade')) fields.set('connection', ['Upgrade'])
  else fields.delete('connection')
}

function replace(fields: Fields, answered: Fields, names: readonly string[]): void {
  for (const name of names.map((one) => one.toLowerCase())) {
    fields.delete(name)
    const values = answered.get(name)
    if (values !== undefined) fields.set(name, values)
  }
}

function only(fields: Fields, names: readonly string[]): Fields {
  const allowed = new Set(names.map((name) => name.toLowerCase()))
  return new Map([...fields].filter(([name]) => allowed.has(name)))
}

/** Returns a name in the canonical form of Go: a capital at the start and after each hyphen. */
function canonical(name: string): string {
  return name.replaceAll(/(^|-)[a-z]/g, (start) => start.toUpperCase())
}

function rename(text: string, { latchkey, application }: Upstreams): string {
  return text.replaceAll('latchkey:3000', latchkey).replaceAll('application:8000', application)
}

function answer(status: number): Decision {
  return { status, fields: new Map(), body: Buffer.alloc(0) }
}

async function start(
  port: number,
  decide: (request: IncomingMessage, fields: Fields, ask: Ask) => Promise<Outcome>,
): Promise<EmulatedProxy> {
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await buffer(request)
    const outcome = await decide(request, fieldsOf(request.rawHeaders), (url, method, fields) =>
      exchange(url, method, fields, Buffer.alloc(0)),
    )
    const {
      status,
      fields,
      body: answered,
    } = 'refused' in outcome
      ? outcome.refused
      : await exchange(outcome.url, request.method ?? 'GET', outcome.fields, body)
    response.writeHead(
      status,
      [...fields].flatMap(([name, values]) => values.flatMap((value) => [name, value])),
    )
    response.end(answered)
  }
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.writeHead(502).end())
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

function exchange(url: string, method: string, fields: Fields, body: Buffer): Promise<Decision> {
  const headers = [...fields].flatMap(([name, values]) => values.flatMap((value) => [name, value]))
  if (!fields.has('host')) headers.push('host', new URL(url).host)
  return new Promise((resolve, reject) => {
    const sent = send(url, { method, headers }, async (response) => {
      const answered = await buffer(response)
      const answeredFields = fieldsOf(response.rawHeaders)
      for (const name of ['connection', 'keep-alive', 'transfer-encoding', 'content-length'])
        answeredFields.delete(name)
      resolve({ status: response.statusCode ?? 0, fields: answeredFields, body: answered })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

function fieldsOf(rawHeaders: readonly string[]): Fields {
  const fields: Fields = new Map()
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase()
    fields.set(name, [...(fields.get(name) ?? []), rawHeaders[at + 1] ?? ''])
  }
  return fields
}
