import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { AuthClient, type Device } from '../support/auth-client.js'
import { freePort } from '../support/free-port.js'
import { requireProgram } from '../support/installed-program.js'
import { blocksLeftOut, Page } from '../support/page.js'
import { runCommand, type ServerProcess, startServer } from '../support/server-process.js'
import { startRedis } from '../support/start-redis.js'
import { createTestDatabase } from '../support/test-database.js'
import { callProblems } from './support/command-facts.js'
import { type ComposeFile, type ComposeService, composeProblems, readComposeFile } from './support/compose-file.js'
import { commandsOf, walk } from './support/page-walk.js'
import { Runbook } from './support/runbook.js'
import { type NginxProcess, startNginx } from './support/start-nginx.js'

const folder = fileURLToPath(new URL('../../deploy/compose', import.meta.url))
const compose = readComposeFile(join(folder, 'compose.yaml'))

/** Returns the fixed address of a service in the network of nginx. */
function addressOf(name: string): string {
  const { networks } = compose.services[name] ?? {}
  const front = networks !== undefined && 'front' in networks ? networks.front : undefined
  return front?.ipv4_address ?? `no address of ${name}`
}

/** A change to the file that a check must refuse. */
type Fault = (file: { services: Record<string, Record<string, unknown>> }) => void

function withFault(fault: Fault): ComposeFile {
  const copy = structuredClone(compose)
  fault(copy as unknown as Parameters<Fault>[0])
  return copy
}

/** Returns the violations of the policy for production, as sentences. */
function policyProblems({ services, secrets }: ComposeFile): string[] {
  return Object.entries(services).flatMap(([name, service]) =>
    [
      ...imageProblems(service),
      ...startProblems(service, services),
      ...(service.secrets ?? [])
        .filter((secret) => secrets[secret]?.file === undefined)
        .map((secret) => `secret ${secret} is no file`),
      ...Object.keys(service.environment ?? {})
        .filter((key) => /(PASSWORD|URL|KEYS)$/.test(key))
        .map((key) => `${key} is in the environment`),
    ].map((problem) => `${name}: ${problem}`),
  )
}

function imageProblems({ image = '', privileged, security_opt = [], deploy, healthcheck, restart }: ComposeService) {
  const ownImage = image === 'latchkey:local'
  return [
    ...(/^[\w./-]+:[\w.-]*\d[\w.-]*(@sha256:[0-9a-f]{64})?$/.test(image) || ownImage
      ? []
      : [`image ${image} is not pinned`]),
    ...(privileged === true ? ['is privileged'] : []),
    ...(security_opt.includes('no-new-privileges:true') ? [] : ['may gain privileges']),
    ...(deploy?.resources?.limits?.memory === undefined ? ['has no memory limit'] : []),
    ...(healthcheck === undefined && !ownImage ? ['has no health check'] : []),
    ...(restart === undefined ? ['does not say whether it is restarted'] : []),
  ]
}

function startProblems({ depends_on = {} }: ComposeService, services: ComposeFile['services']): string[] {
  return Object.entries(depends_on).flatMap(([name, { condition }]) => {
    const ends = services[name]?.restart === 'no'
    return ends === (condition === 'service_completed_successfully') ? [] : [`waits for ${name} in the wrong way`]
  })
}

describe('compose.yaml', () => {
  it('conforms to the compose specification', () => {
    expect(composeProblems(compose)).toEqual([])
  })

  it.each<[string, Fault]>([
    ['a misspelt field', ({ services }) => Object.assign(services.nginx ?? {}, { helthcheck: {} })],
    [
      'a misspelt field below',
      ({ services }) => Object.assign(services.nginx ?? {}, { healthcheck: { intervall: '1s' } }),
    ],
    [
      'an unknown condition',
      ({ services }) => Object.assign(services.nginx ?? {}, { depends_on: { redis: { condition: 'healthy' } } }),
    ],
    ['a field in the wrong place', (file) => Object.assign(file, { image: 'nginx' })],
    ['a wrong type', ({ services }) => Object.assign(services.nginx ?? {}, { read_only: [] })],
  ])('is refused with %s', (_what, fault) => {
    expect(composeProblems(withFault(fault))).not.toEqual([])
  })

  it('adds a mail server with a separate file, to every server and to no other service', () => {
    const mail = readComposeFile(join(folder, 'compose.mail.yaml'))
    expect(composeProblems(mail)).toEqual([])
    const servers = Object.keys(compose.services).filter((name) => name.startsWith('server-'))
    expect(Object.keys(mail.services)).toEqual(servers)
    for (const { environment, secrets = [] } of Object.values(mail.services)) {
      expect(secrets.map((name) => [`/run/secrets/${name}`, mail.secrets[name]?.file])).toEqual([
        [environment?.LATCHKEY_SMTP_URL_FILE, './secrets/smtp_url'],
      ])
    }
  })

  it('pins images, limits memory, gains no privileges, checks health, and keeps secrets out of the environment', () => {
    expect(policyProblems(compose)).toEqual([])
  })

  it.each<[string, Fault]>([
    ['an unpinned image', ({ services }) => Object.assign(services.redis ?? {}, { image: 'redis:latest' })],
    ['a privileged container', ({ services }) => Object.assign(services.redis ?? {}, { privileged: true })],
    ['no limits', ({ services }) => Object.assign(services.redis ?? {}, { deploy: {} })],
    [
      'a secret in the environment',
      ({ services }) => Object.assign(services.redis ?? {}, { environment: { DATABASE_URL: 'x' } }),
    ],
    ['no health check', ({ services }) => Object.assign(services.redis ?? {}, { healthcheck: undefined })],
    [
      'a server that does not wait for the migration',
      ({ services }) =>
        Object.assign(services.redis ?? {}, { depends_on: { migrate: { condition: 'service_started' } } }),
    ],
  ])('is refused with %s', (_what, fault) => {
    expect(policyProblems(withFault(fault))).toHaveLength(1)
  })

  it('starts PostgreSQL, then the migration, then the servers, then nginx', () => {
    expect(startOrder(compose)).toEqual([['postgres', 'redis'], ['migrate'], ['server-1', 'server-2'], ['nginx']])
  })

  it('has a stop timeout that is longer than the server waits for its requests', () => {
    for (const name of ['server-1', 'server-2']) {
      expect(Number.parseInt(compose.services[name]?.stop_grace_period ?? '', 10)).toBeGreaterThan(10)
    }
  })

  it('has a fixed address for each server, which nginx knows, so that nginx finds a recreated server', () => {
    const configuration = readFileSync(join(folder, 'nginx.conf'), 'utf8')
    const upstreams = [...configuration.matchAll(/^ +server ([\d.]+):3000 /gm)].map(([, address]) => address)
    expect(upstreams).toEqual(['server-1', 'server-2'].map(addressOf))
    expect(configuration.match(/^ +server [^{;]+:3000/gm)).toHaveLength(upstreams.length)
  })

  it('publishes only nginx', () => {
    const open = Object.entries(compose.services).filter(([, { ports }]) => ports !== undefined)
    expect(open.map(([name]) => name)).toEqual(['nginx'])
  })
})

describe('make-secrets.sh', () => {
  it('is accepted by shellcheck', () => {
    requireProgram('shellcheck', 'shellcheck')
    execFileSync('shellcheck', [join(folder, 'make-secrets.sh')])
  })

  it('creates every secret of the services, readable in containers and protected outside, and overwrites none', () => {
    const target = mkdtempSync(join(tmpdir(), 'latchkey-secrets-'))
    try {
      execFileSync(join(folder, 'make-secrets.sh'), [target])
      const read = () =>
        Object.values(compose.secrets).map(({ file = '' }) => readFileSync(join(target, basename(file)), 'utf8'))
      const made = read()
      expect(new Set(made).size).toBe(made.length)
      expect(statSync(target).mode & 0o777).toBe(0o700)
      expect(statSync(join(target, 'database_url')).mode & 0o777).toBe(0o444)
      execFileSync(join(folder, 'make-secrets.sh'), [target])
      expect(read()).toEqual(made)
    } finally {
      rmSync(target, { recursive: true })
    }
  })
})

describe('the topology of compose.yaml, as processes', () => {
  const undo: (() => Promise<unknown>)[] = []
  const servers: (ServerProcess & { readonly name: string })[] = []
  let nginx: NginxProcess
  let url: string

  /**
   * Returns the environment of a service, with the paths of its mounted secrets on this machine.
   */
  let environmentOf: (name: string) => Record<string, string>

  beforeAll(async () => {
    const secrets = mkdtempSync(join(tmpdir(), 'latchkey-secrets-'))
    undo.push(async () => rmSync(secrets, { recursive: true }))
    execFileSync(join(folder, 'make-secrets.sh'), [secrets])
    const database = await createTestDatabase()
    undo.push(() => database.drop())
    const redis = await startRedis()
    undo.push(() => redis.dispose())
    for (const [name, text] of Object.entries({ database_url: database.url, redis_url: redis.url })) {
      rmSync(join(secrets, name))
      writeFileSync(join(secrets, name), `${text}\n`)
    }
    environmentOf = (name) => {
      const given = Object.entries(compose.services[name]?.environment ?? {})
      const here = given.map(([key, value]) => [key, value.replace('/run/secrets', secrets)])
      // The values that compose would fill in, and the URL of nginx on this machine.
      return { ...Object.fromEntries(here), LATCHKEY_ISSUER: 'https://auth.test', TRUSTED_PROXIES: '127.0.0.1' }
    }
  })

  afterAll(async () => {
    for (const step of undo.reverse()) await step()
  })

  const start = async (name: string, port: string) => {
    const server = await startServer({ env: { ...environmentOf(name), PORT: port } })
    undo.push(() => server.stop())
    servers.push({ ...server, name })
    return server
  }

  it('migrates first', async () => {
    const { command = [] } = compose.services.migrate ?? {}
    expect(await runCommand({ env: environmentOf('migrate') }, command)).toMatchObject({ code: 0 })
  })

  it('starts the servers, then nginx in front of them, which becomes ready', async () => {
    let configuration = readFileSync(join(folder, 'nginx.conf'), 'utf8')
    for (const name of ['server-1', 'server-2']) {
      const server = await start(name, '0')
      configuration = configuration.replace(`${addressOf(name)}:3000`, new URL(server.url).host)
    }
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    nginx = await startNginx(configuration.replace('listen 8080', `listen 127.0.0.1:${port}`), `${url}/readyz`)
    undo.push(() => nginx.stop())
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
  })

  it('registers, signs in, answers and revokes through nginx, with any of the servers', async () => {
    const client = new AuthClient(url)
    const devices: Device[] = [await client.register('ada@example.com')]
    for (let count = 0; count < 4; count++) devices.push(await client.login('ada@example.com'))
    for (const { accessToken, accountId } of devices) expect(await client.whoIs(accessToken)).toBe(accountId)
    const [first] = devices
    expect((await client.call('POST', '/v1/logout-all', { token: first?.accessToken ?? '' })).status).toBe(204)
    for (const { accessToken } of devices) {
      for (const server of servers) {
        const direct = new AuthClient(server.url)
        await expect.poll(() => direct.whoIs(accessToken), { timeout: 2000 }).toBe('token_revoked')
      }
      expect(await client.whoIs(accessToken)).toBe('token_revoked')
    }
    expect(await client.whoIs((await client.login('ada@example.com')).accessToken)).toBe(first?.accountId)
  })

  it('passes the address of the client to the servers, whatever the client sends', async () => {
    const client = new AuthClient(url)
    const { accessToken } = await client.login('ada@example.com')
    const claimed = { authorization: `Bearer ${accessToken}`, 'x-forwarded-for': '192.0.2.77' }
    await fetch(`${url}/v1/me/sessions`, { headers: claimed })
    const answer = await fetch(`${url}/v1/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': '192.0.2.77' },
      body: JSON.stringify({ email: 'ada@example.com', password: 'correct horse battery staple' }),
    })
    expect(answer.status).toBe(200)
    const { body } = await client.call('GET', '/v1/me/sessions', { token: accessToken })
    expect(JSON.stringify(body)).not.toContain('192.0.2.77')
    expect(JSON.stringify(body)).toContain('127.0.0.1')
  })

  it('does not publish the metrics', async () => {
    expect((await fetch(`${url}/metrics`)).status).toBe(404)
  })

  it('restores a backup by the commands of the page without ended sessions', async () => {
    const page = new Runbook('deploy-compose.md', { docker: composeOnThisMachine })
    const backups = mkdtempSync(join(tmpdir(), 'latchkey-compose-'))
    undo.push(async () => rmSync(backups, { recursive: true }))
    const pids = servers.map(({ pid }) => pid).join(' ')
    const env = { ...environmentOf('migrate'), SERVER_PIDS: pids, BACKUPS: backups }
    const client = new AuthClient(url)
    const { accessToken } = await client.login('ada@example.com')
    await page.run('Back up', env)
    expect((await client.call('POST', '/v1/logout-all', { token: accessToken })).status).toBe(204)
    await page.run('Restore', env)
    for (const server of servers.splice(0)) await start(server.name, new URL(server.url).port)
    // nginx tries the servers again at their previous addresses.
    await expect.poll(async () => (await fetch(`${url}/readyz`)).status).toBe(200)
    expect(await client.whoIs(accessToken)).toBe('token_revoked')
    expect((await client.login('ada@example.com')).accountId).toBeDefined()
    page.dispose()
  })

  it('loses no request when one server is stopped', async () => {
    const client = new AuthClient(url)
    const { accessToken, accountId } = await client.login('ada@example.com')
    let stopping: Promise<unknown> | undefined
    for (let count = 0; count < 60; count++) {
      if (count === 20) stopping = servers[0]?.stop()
      expect(await client.whoIs(accessToken)).toBe(accountId)
    }
    expect(await stopping).toBe(0)
  })
})

describe('docs/guides/deploy-compose.md, walked with stand-ins for docker, curl and git', () => {
  const digest = `sha256:${'0'.repeat(64)}`

  it('uses commands and flags that docker and Latchkey have, on services of compose.yaml', () => {
    const page = commandsOf('deploy-compose.md').replaceAll('<digest>', digest)
    const calls = walk(`set -euo pipefail\n${page}`, { programs: ['docker', 'curl', 'git'], answers: '', env: {} })
    expect(calls.length).toBeGreaterThan(18)
    expect(callProblems(calls)).toEqual([])
    const named = calls.flatMap(({ args }) => args.filter((word) => /^(server|nginx|postgres|migrate)/.test(word)))
    expect(named.filter((name) => compose.services[name] === undefined)).toEqual([])
  })

  it('pins by digest the images of the services', () => {
    const [text = ''] = Page.at('docs/guides/deploy-compose.md').take('yaml')
    const { services } = parse(text.replaceAll('<digest>', digest)) as ComposeFile
    const merged = { ...compose, services: { ...compose.services } }
    for (const [name, { image = '' }] of Object.entries(services)) {
      expect([name, image]).toEqual([name, `${compose.services[name]?.image}@${digest}`])
      merged.services[name] = { ...merged.services[name], image }
    }
    expect(composeProblems(merged)).toEqual([])
  })

  it('has no block that these tests leave out', () => {
    expect(blocksLeftOut('docs/guides/deploy-compose.md')).toEqual([])
  })
})

/** A stand-in for the Docker Compose commands of the page. The services are processes. */
const composeOnThisMachine = `#!/bin/bash
set -euo pipefail
command=$2
shift 2
while [[ \${1:-} == --* ]]; do shift; done
case "$command" in
  exec)
    program=$2
    arguments=()
    shift 2
    while [ $# -gt 0 ]; do
      case "$1" in
        --username) shift ;;
        latchkey) arguments+=("$(cat "$DATABASE_URL_FILE")") ;;
        *) arguments+=("$1") ;;
      esac
      shift
    done
    exec "$program" "\${arguments[@]}"
    ;;
  run)
    shift
    exec latchkey "$@"
    ;;
  stop)
    kill -INT $SERVER_PIDS
    for pid in $SERVER_PIDS; do while kill -0 "$pid" 2> /dev/null; do sleep 0.1; done; done
    ;;
esac
`

/**
 * Returns the groups of services that start together, in order, if each starts as soon as possible.
 */
function startOrder({ services }: ComposeFile): string[][] {
  const waves: string[][] = []
  let left = Object.entries(services)
  while (left.length > 0) {
    const started = new Set(waves.flat())
    const able = left.filter(([, { depends_on = {} }]) => Object.keys(depends_on).every((name) => started.has(name)))
    if (able.length === 0) throw new Error('The services wait for each other.')
    waves.push(able.map(([name]) => name).toSorted())
    left = left.filter((entry) => !able.includes(entry))
  }
  return waves
}
