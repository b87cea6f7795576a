import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lowestVersions } from '../../scripts/lowest-versions.mjs'
import { type MariadbServer, startMariadb } from '../support/start-mariadb.js'
import { type RedisServer, startRedis } from '../support/start-redis.js'
import { createTestDatabase, type TestDatabase } from '../support/test-database.js'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const programs = fileURLToPath(new URL('lowest', import.meta.url))
const run = promisify(execFile)

const { peerDependencies } = JSON.parse(readFileSync(join(repository, 'packages/latchkey/package.json'), 'utf8')) as {
  readonly peerDependencies: Readonly<Record<string, string>>
}

/**
 * A program of `lowest/programs`: its package, and what a guest, a user and a revoked user receive.
 */
interface Program {
  readonly name: string
  readonly peer: string
  readonly outcome: readonly unknown[]
}

const guarded = [401, 200, 401]
const stored = ['ada', 'token_revoked']
const listed: readonly Program[] = [
  { name: 'express', peer: 'express', outcome: guarded },
  { name: 'fastify', peer: 'fastify', outcome: guarded },
  { name: 'hono', peer: 'hono', outcome: guarded },
  { name: 'koa', peer: 'koa', outcome: guarded },
  { name: 'hapi', peer: '@hapi/hapi', outcome: guarded },
  { name: 'nest', peer: '@nestjs/core', outcome: guarded },
  { name: 'nest-gateway', peer: '@nestjs/websockets', outcome: ['credentials_missing', 'ada', 'token_revoked'] },
  { name: 'next', peer: 'next', outcome: [401, 200, 'account of ada', 401] },
  { name: 'trpc', peer: '@trpc/server', outcome: guarded },
  { name: 'yoga', peer: 'graphql-yoga', outcome: guarded },
  { name: 'ws', peer: 'ws', outcome: [401, 'ada', 401] },
  { name: 'socketio', peer: 'socket.io', outcome: [401, 'ada', 401] },
  { name: 'pg', peer: 'pg', outcome: stored },
  { name: 'mysql2', peer: 'mysql2', outcome: stored },
  { name: 'ioredis', peer: 'ioredis', outcome: [...stored, 'cached'] },
  { name: 'photostructure-sqlite', peer: '@photostructure/sqlite', outcome: stored },
  { name: 'libsql', peer: 'libsql', outcome: stored },
]

/** Packages that programs use besides the peer. Each project has those of its own programs. */
const companions: Readonly<Record<string, (version: string) => Readonly<Record<string, string>>>> = {
  express: (version) => ({ '@types/express': `^${version.split('.')[0]}.0.0` }),
  hono: () => ({ '@hono/node-server': '^1.13.0' }),
  koa: (version) => ({ '@types/koa': `^${version.split('.')[0]}.0.0` }),
  '@nestjs/core': (version) => ({
    '@nestjs/platform-express': version,
    'reflect-metadata': version.startsWith('10.') ? '^0.1.13' : '^0.2.0',
    rxjs: '^7.8.0',
  }),
  '@nestjs/websockets': (version) => ({ '@nestjs/platform-socket.io': `^${version}`, 'socket.io-client': '^4.0.0' }),
  // Next.js 15.0 accepts only a release candidate of React 19.
  next: (version) => reactOf(version.startsWith('16.') ? '^19.0.0' : '^18.2.0'),
  'graphql-yoga': () => ({ graphql: '^16.0.0' }),
  ws: () => ({ '@types/ws': '^8.5.0' }),
  'socket.io': () => ({ 'socket.io-client': '^4.0.0' }),
  pg: () => ({ '@types/pg': '^8.11.0' }),
}
const reactOf = (range: string) => ({ react: range, 'react-dom': range })
const common = { '@types/node': '^20.19.0', typescript: '^6.0.0' }

const lowestOf = (peer: string) => lowestVersions(peerDependencies[peer] ?? '')

/** A project with the first, second or third alternative of every range that has so many. */
interface Project {
  readonly programs: readonly Program[]
  readonly dependencies: Readonly<Record<string, string>>
}

const count = Math.max(...Object.keys(peerDependencies).map((peer) => lowestOf(peer).length))
const projects = Array.from({ length: count }, (_, index): Project => {
  const versions = Object.keys(peerDependencies).flatMap((peer) => {
    const version = lowestOf(peer)[index]
    return version === undefined ? [] : [[peer, version] as const]
  })
  const further = versions.flatMap(([peer, version]) => Object.entries(companions[peer]?.(version) ?? {}))
  return {
    programs: listed.filter(({ peer }) => lowestOf(peer)[index] !== undefined),
    dependencies: Object.fromEntries([...Object.entries(common), ...further, ...versions]),
  }
})

/** The line that a program printed. */
interface Result {
  readonly name: string
  readonly version?: string
  readonly outcome?: unknown
  readonly error?: string
}

describe('a project with the lowest versions that the library accepts', () => {
  let folder: string
  let redis: RedisServer
  let database: TestDatabase
  let mariadb: MariadbServer
  let mysqlUrl: string
  let results: readonly { readonly errors: string; readonly programs: readonly Result[] }[] = []

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-lowest-'))
    redis = await startRedis()
    database = await createTestDatabase()
    mariadb = await startMariadb()
    mysqlUrl = await mariadb.createDatabase()
    const pack = ['pack', '--json', '--workspace', 'latchkey', '--pack-destination', folder]
    const [{ filename }] = JSON.parse((await run('npm', pack, { cwd: repository })).stdout)
    const tarball = join(folder, filename)
    results = await Promise.all(projects.map((project, index) => tryProject(index, project, tarball)))
    // A minute on an idle machine of two cores: three installations, and Next.js three times.
  }, 900_000)

  afterAll(async () => {
    await redis?.dispose()
    await database?.drop()
    await mariadb?.dispose()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Installs a project without forcing any version, compiles its programs and runs them. */
  async function tryProject(index: number, { programs: ofProject, dependencies }: Project, tarball: string) {
    const cwd = join(folder, String(index))
    mkdirSync(join(cwd, 'programs'), { recursive: true })
    for (const file of readdirSync(programs).filter((name) => name !== 'programs')) {
      cpSync(join(programs, file), join(cwd, file), { recursive: true })
    }
    for (const { name } of ofProject)
      cpSync(join(programs, 'programs', `${name}.ts`), join(cwd, 'programs', `${name}.ts`))
    const own = { type: 'module', private: true, dependencies: { ...dependencies, latchkey: `file:${tarball}` } }
    writeFileSync(join(cwd, 'package.json'), JSON.stringify(own))
    const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline']
    await run('npm', ['install', ...options], { cwd })
    const compiler = [join(cwd, 'node_modules/typescript/bin/tsc'), '-p', '.']
    const { stdout: errors } = await run(process.execPath, compiler, { cwd }).catch((error) => error)
    // Not the environment of the test runner, which would change what Next.js does.
    const { PATH, HOME } = process.env
    const urls = { DATABASE_URL: database.url, MYSQL_URL: mysqlUrl, REDIS_URL: redis.url }
    const env = { PATH, HOME, NEXT_TELEMETRY_DISABLED: '1', ...urls }
    const { stdout } = await run(process.execPath, ['out/run.js', ...ofProject.map(({ name }) => name)], { cwd, env })
    const lines = stdout
      .trim()
      .split('\n')
      .map((line): Result => JSON.parse(line))
    return { errors, programs: lines }
  }

  it.each(projects.map((_, index) => index))('compiles without an error: project %i', (index) => {
    expect(results[index]?.errors).toBe('')
  })

  it.each(
    projects.flatMap((project, index) =>
      project.programs.map((program) => ({ ...program, index, version: lowestOf(program.peer)[index] })),
    ),
  )('runs the guard or the store with $peer@$version', ({ name, version, outcome, index }) => {
    expect(results[index]?.programs.find((result) => result.name === name)).toEqual({ name, version, outcome })
  })

  it('has a program for every peer', () => {
    // Every Nest application has both packages.
    const peers = Object.keys(peerDependencies).filter((peer) => peer !== '@nestjs/common')
    expect(listed.map(({ peer }) => peer).toSorted()).toEqual(peers.toSorted())
  })
})
