import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Keyring } from 'latchkey'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { freePort } from '../support/free-port.js'
import { createTestDatabase } from '../support/test-database.js'
import { makeBuildImage, makeRunImage } from './support/base-images.js'
import { Buildah, type ImageConfiguration } from './support/buildah.js'
import { type ImageProcess, type ImageRun, runImage } from './support/image-process.js'

const repository = fileURLToPath(new URL('../..', import.meta.url))

/** Long enough for two builds of the dependencies and one of the program on a busy machine. */
const buildTimeoutMs = 900_000

describe('the image', () => {
  let buildah: Buildah
  let root: string
  let configuration: ImageConfiguration
  let running: ImageProcess[]

  beforeAll(async () => {
    running = []
    buildah = new Buildah()
    await makeBuildImage(buildah, 'docker.io/library/node:24-bookworm-slim')
    await makeRunImage(buildah, 'gcr.io/distroless/nodejs24-debian12:nonroot')
    // The stand-in images have the names, but not the digests.
    const file = join(buildah.folder, 'Dockerfile')
    const dockerfile = readFileSync(join(repository, 'deploy/docker/Dockerfile'), 'utf8')
    writeFileSync(file, dockerfile.replaceAll(/@sha256:[0-9a-f]{64}/g, ''))
    await buildah.build({
      file,
      context: repository,
      name: 'latchkey',
      arguments: { VERSION: '1.2.3', REVISION: 'abc123' },
      volumes: { [npmCache()]: '/root/.npm' },
    })
    root = await buildah.mount('latchkey')
    configuration = await buildah.configuration('latchkey')
  }, buildTimeoutMs)

  afterAll(async () => {
    for (const process of running) await process.kill()
    await buildah?.dispose()
  })

  const run = (options: Omit<ImageRun, 'root' | 'configuration'>) => {
    const process = runImage({ root, configuration, ...options })
    running.push(process)
    return process
  }

  /** Returns the exit code of the health check of the image for a server on this port. */
  const checkHealth = async (port: number) => {
    const [kind, ...command] = configuration.Healthcheck.Test
    expect(kind).toBe('CMD')
    return (await run({ command, env: { PORT: String(port) } }).ended).code
  }

  /** Creates a folder for the user of the image. */
  const folderOf = (name: string, owner: number) => {
    const path = join(buildah.folder, name)
    mkdirSync(path, { mode: 0o700 })
    chownSync(path, owner, owner)
    return path
  }

  it('declares its name, its version, its user and its command', () => {
    expect(configuration.Labels).toMatchObject({
      'org.opencontainers.image.title': 'Latchkey',
      'org.opencontainers.image.licenses': 'MIT',
      'org.opencontainers.image.version': '1.2.3',
      'org.opencontainers.image.revision': 'abc123',
    })
    expect(configuration).toMatchObject({
      User: '65532:65532',
      WorkingDir: '/app',
      Cmd: ['serve'],
      StopSignal: 'SIGTERM',
    })
    expect(Object.keys(configuration.ExposedPorts)).toEqual(['3000/tcp'])
    expect(configuration.Env).toEqual(expect.arrayContaining(['NODE_ENV=production', 'HOST=0.0.0.0', 'PORT=3000']))
  })

  it('contains Node.js, the compiled server and its dependencies, and no build tools or shell', () => {
    expect(readdirSync(join(root, 'app')).toSorted()).toEqual(['node_modules', 'packages'])
    expect(readdirSync(join(root, 'app/packages')).toSorted()).toEqual(['latchkey', 'server'])
    const files = [...filesIn(root)].map((path) => relative(root, path))
    for (const unwanted of [
      /(^|\/)(sh|bash|dash|busybox|npm|npx|curl|wget)$/,
      /^app\/packages\/\w+\/(src|test)\//,
      /^app\/node_modules\/(typescript|vitest|@types|@biomejs)\//,
      /@photostructure\/sqlite\/(src\/|.*musl|prebuilds\/(darwin|win32))/,
      /(^|\/)\.(git|env|npmrc|latchkey)(\/|$)/,
    ]) {
      expect(files.filter((path) => unwanted.test(path))).toEqual([])
    }
  })

  it('contains the messages of every language', () => {
    const catalogues = (folder: string) => readdirSync(join(folder, 'packages/server/locales')).toSorted()
    expect(catalogues(join(root, 'app'))).toEqual(catalogues(repository))
  })

  it('adds less than 60 MB to Node.js', () => {
    const bytes = [...filesIn(join(root, 'app'))].reduce((sum, path) => sum + lstatSync(path).size, 0)
    expect(bytes / 1e6).toBeLessThan(60)
  })

  it('makes only the data folder writable to its user', () => {
    const writable = [...pathsIn(root)].filter((path) => {
      const { mode, uid, gid } = lstatSync(path)
      const isLink = (mode & 0o170000) === 0o120000
      return !isLink && ((mode & 0o002) !== 0 || uid === 65_532 || gid === 65_532)
    })
    expect(writable.map((path) => relative(root, path))).toEqual(['data'])
  })

  it('migrates and serves on PostgreSQL with secrets in files, is healthy, and shuts down gracefully', async () => {
    const database = await createTestDatabase()
    const port = await freePort()
    const secrets = folderOf('secrets', 65_532)
    for (const [name, text] of Object.entries({ url: database.url, keys: Keyring.generate('k1') })) {
      writeFileSync(join(secrets, name), `${text}\n`)
      chmodSync(join(secrets, name), 0o444)
    }
    const env = {
      HOST: '127.0.0.1',
      PORT: String(port),
      DATABASE_URL_FILE: '/run/secrets/url',
      LATCHKEY_MASTER_KEYS_FILE: '/run/secrets/keys',
      LATCHKEY_ISSUER: 'https://auth.test',
    }
    const volumes = { '/run/secrets': secrets }
    try {
      const { Entrypoint } = configuration
      expect(await run({ command: [...Entrypoint, 'migrate'], env, volumes }).ended).toMatchObject({ code: 0 })
      expect(await checkHealth(port)).toBe(1)
      const server = run({ env, volumes })
      const client = new AuthClient(`http://127.0.0.1:${port}`)
      await ready(client, server)
      expect(await checkHealth(port)).toBe(0)
      const ada = await client.register('ada@example.com')
      expect(await client.whoIs(ada.accessToken)).toBe(ada.accountId)
      await checkConsole(`http://127.0.0.1:${port}`)
      expect(await server.stop()).toMatchObject({ code: 0 })
    } finally {
      await database.drop()
    }
  })

  it('exports spans where a derived image adds an SDK, as in docs/guides/tracing.md', async () => {
    const modules = join(repository, 'node_modules/@opentelemetry')
    const sdk = join(root, 'tracing/node_modules/@opentelemetry')
    cpSync(modules, sdk, { recursive: true })
    writeFileSync(
      join(root, 'tracing/tracing.mjs'),
      `import { trace } from '@opentelemetry/api'
       import { BasicTracerProvider, ConsoleSpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
       const spanProcessors = [new SimpleSpanProcessor(new ConsoleSpanExporter())]
       trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }))`,
    )
    const [, setting = ''] =
      /^ENV NODE_OPTIONS=(.*)$/m.exec(readFileSync(join(repository, 'docs/guides/tracing.md'), 'utf8')) ?? []
    const port = await freePort()
    const common = { HOST: '127.0.0.1', PORT: String(port), LATCHKEY_ISSUER: 'https://auth.test' }
    const env = { ...common, NODE_OPTIONS: setting }
    const server = run({ env, volumes: { '/data': folderOf('traced', 65_532) } })
    const client = new AuthClient(`http://127.0.0.1:${port}`)
    await ready(client, server)
    await client.register('ada@example.com')
    expect((await server.stop()).output).toContain("name: 'POST /v1/register'")
    rmSync(join(root, 'tracing'), { recursive: true })
  })

  it('keeps the embedded database in /data and writes nowhere else', async () => {
    const port = await freePort()
    const data = folderOf('data', 65_532)
    const env = { HOST: '127.0.0.1', PORT: String(port), LATCHKEY_ISSUER: 'https://auth.test' }
    const server = run({ env, volumes: { '/data': data } })
    const client = new AuthClient(`http://127.0.0.1:${port}`)
    await ready(client, server)
    const ada = await client.register('ada@example.com')
    expect(await client.whoIs(ada.accessToken)).toBe(ada.accountId)
    expect(await server.stop()).toMatchObject({ code: 0 })
    expect(readdirSync(data)).toEqual(expect.arrayContaining(['latchkey.db', 'master.key']))
    const without = await run({ env }).ended
    expect(without.code).toBe(1)
    expect(without.output).toContain('data_folder_unusable')
  })
})

async function ready(client: AuthClient, server: ImageProcess): Promise<void> {
  const early = server.ended.then(({ code, output }) => `ended with ${code}: ${output}`)
  const status = () =>
    client.call('GET', '/readyz').then(
      ({ status }) => status,
      () => 0,
    )
  const answering = expect.poll(status).toBe(200)
  expect(await Promise.race([early, answering.then(() => 'ready')])).toBe('ready')
}

/** The build of the console is part of the image. */
async function checkConsole(url: string): Promise<void> {
  const document = await fetch(`${url}/console`)
  expect(document.status).toBe(200)
  const files = [...(await document.text()).matchAll(/"(\/console\/assets\/[^"]+)"/g)].map(([, path = '']) => path)
  expect(files.length).toBeGreaterThanOrEqual(2)
  for (const path of files) expect([path, (await fetch(url + path)).status]).toEqual([path, 200])
}

function npmCache(): string {
  return execFileSync('npm', ['config', 'get', 'cache'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim()
}

function* pathsIn(folder: string): Generator<string> {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    yield path
    if (lstatSync(path).isDirectory()) yield* pathsIn(path)
  }
}

function* filesIn(folder: string): Generator<string> {
  for (const path of pathsIn(folder)) if (!lstatSync(path).isDirectory()) yield path
}
