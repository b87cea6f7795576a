import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../../../test/support/free-port.js'

const run = promisify(execFile)

/** The way from an empty folder to the response of a guarded route. */
export interface Attempt {
  /** The packages in `node_modules`. */
  readonly packages: number
  readonly seconds: number
}

/**
 * Installs the packages into an empty folder with an empty cache, runs the program and sends it
 * requests.
 *
 * @throws Error unless the route responds with 401 without a token, and with 200 with one.
 */
export async function tryProgram(program: string, packages: readonly string[]): Promise<Attempt> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-first-route-'))
  try {
    const project = join(folder, 'project')
    const main = join(project, program.endsWith('.ts') ? 'main.ts' : 'main.mjs')
    await mkdir(project)
    await cp(program, main)
    await writeFile(join(project, 'package.json'), JSON.stringify({ type: 'module', private: true }))
    const startedAt = performance.now()
    await install(project, packages, ['--cache', join(folder, 'cache')])
    await request(await compiled(main, project), project).catch((cause: unknown) => {
      throw new Error(`The program ${program} has failed.`, { cause })
    })
    const seconds = (performance.now() - startedAt) / 1000
    return { packages: await countPackages(project), seconds }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Returns how many packages npm would install for these, without doing so. */
export async function countPackagesOf(packages: readonly string[]): Promise<number> {
  const project = await mkdtemp(join(tmpdir(), 'latchkey-first-route-'))
  try {
    await writeFile(join(project, 'package.json'), JSON.stringify({ private: true }))
    await install(project, packages, ['--package-lock-only'])
    return await countPackages(project)
  } finally {
    await rm(project, { recursive: true, force: true })
  }
}

async function install(cwd: string, packages: readonly string[], options: readonly string[]): Promise<void> {
  await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...options, ...packages], { cwd })
}

/** Returns the number of installed packages. Those of other platforms are listed, but optional. */
async function countPackages(project: string): Promise<number> {
  const { packages } = JSON.parse(await readFile(join(project, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly optional?: boolean }>>
  }
  return Object.entries(packages).filter(([path, { optional = false }]) => path !== '' && !optional).length
}

/** Compiles a program in TypeScript with the compiler of its project. Returns the file to run. */
async function compiled(main: string, cwd: string): Promise<string> {
  if (!main.endsWith('.ts')) return main
  const compiler = join(cwd, 'node_modules/typescript/bin/tsc')
  const flags = ['--experimentalDecorators', '--emitDecoratorMetadata', '--skipLibCheck', '--strict', '--types', 'node']
  await run(process.execPath, [compiler, main, '--target', 'es2022', '--module', 'nodenext', ...flags], { cwd })
  return main.replace(/ts$/, 'js')
}

async function request(main: string, cwd: string): Promise<void> {
  const port = await freePort()
  const env = { PATH: process.env.PATH, PORT: String(port), JWT_SECRET: randomBytes(32).toString('base64') }
  const server = spawn(process.execPath, [main], { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] })
  let errors = ''
  server.stderr.on('data', (chunk) => (errors += chunk))
  const ended = once(server, 'exit')
  const url = `http://localhost:${port}`
  try {
    await untilReachable(url, server)
    await expectStatus(401, `${url}/me`)
    const { token } = (await (await fetch(`${url}/sign-in`, { method: 'POST' })).json()) as { token: string }
    await expectStatus(200, `${url}/me`, { authorization: `Bearer ${token}` })
  } catch (cause) {
    throw new Error(errors, { cause })
  } finally {
    server.kill()
    await ended
  }
}

async function untilReachable(url: string, server: ChildProcess): Promise<void> {
  while (server.exitCode === null) {
    if (await fetch(url).then(Boolean, () => false)) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('The server exited before it was ready.')
}

async function expectStatus(status: number, url: string, headers: Record<string, string> = {}): Promise<void> {
  const answer = await fetch(url, { headers })
  if (answer.status !== status) throw new Error(`The route responds with ${answer.status} instead of ${status}.`)
}
