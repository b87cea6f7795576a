import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { callProblems } from './deploy/support/command-facts.js'
import { walk } from './deploy/support/page-walk.js'
import { AuthClient } from './support/auth-client.js'
import { freePort } from './support/free-port.js'
import { requireProgram } from './support/installed-program.js'
import { npmProblems } from './support/npm-scripts.js'
import { blocksLeftOut, Page } from './support/page.js'
import { startedUrl } from './support/started-url.js'

const repository = fileURLToPath(new URL('..', import.meta.url))

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-page-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('docs/guides/deploy-laptop.md', () => {
  const [start = '', container = ''] = Page.at('docs/guides/deploy-laptop.md').take('sh')

  it('starts a server with an embedded database, and shows how to create the first administrator', async () => {
    const commands = start.replace('npm ci && ', '')
    expect([start.startsWith('npm ci && '), npmProblems(start)]).toEqual([true, []])
    const [port, data] = [await freePort(), join(folder, 'data')]
    const npm = { npm_config_update_notifier: 'false' }
    const env = { ...npm, PATH: process.env.PATH, HOME: folder, PORT: String(port), LATCHKEY_DATA_DIR: data }
    const server = spawn('bash', ['-c', `exec ${commands}`], { cwd: repository, env })
    let output = ''
    server.stdout.on('data', (text) => (output += String(text)))
    const client = new AuthClient(await startedUrl(server))
    expect((await client.register('ada@example.com')).accountId).toBeDefined()
    await expect.poll(() => output).toContain('admin create you@example.com')
    server.kill('SIGINT')
    await once(server, 'close')
    expect(existsSync(join(folder, 'data/master.key'))).toBe(true)
  })

  it('uses commands and flags that docker has', () => {
    const calls = walk(`set -euo pipefail\n${container}`, { programs: ['docker'], answers: '', env: {} })
    expect(calls).toHaveLength(2)
    expect(callProblems(calls)).toEqual([])
  })

  it('has no block that these tests leave out', () => {
    expect(blocksLeftOut('docs/guides/deploy-laptop.md')).toEqual([])
  })
})

describe('CONTRIBUTING.md', () => {
  it('uses commands and scripts that npm and this repository have', () => {
    expect(npmProblems(Page.at('CONTRIBUTING.md').take('sh').join('\n'))).toEqual([])
    expect(blocksLeftOut('CONTRIBUTING.md')).toEqual([])
  })

  it('is refused with a script that does not exist', () => {
    expect(npmProblems('npm run biuld')).not.toEqual([])
  })
})

describe('docs/guides/releasing.md', () => {
  it('uses commands and flags that gh has', () => {
    const [attestation = '', pin = ''] = Page.at('docs/guides/releasing.md').take('sh')
    const calls = walk(attestation.replaceAll(/<[a-z]+>/g, 'x'), { programs: ['gh'], answers: '', env: {} })
    expect(calls).toHaveLength(1)
    expect(callProblems(calls)).toEqual([])
    // test/release/pin-images.test.ts runs this script with a registry of its own.
    expect(pin.split('\n')[0]).toBe('deploy/docker/pin-images.sh')
    expect(blocksLeftOut('docs/guides/releasing.md')).toEqual([])
  })
})

describe('packages/server/data/README.md', () => {
  it('uses scripts that exist', () => {
    const commands = Page.at('packages/server/data/README.md').take('sh').join('\n')
    expect(npmProblems(commands)).toEqual([])
    const paths = commands.match(/packages\/\S+\.mjs/g) ?? []
    expect(paths.map((path) => [path, existsSync(join(repository, path))])).toEqual([[paths[0], true]])
    expect(blocksLeftOut('packages/server/data/README.md')).toEqual([])
  })
})

describe('model/README.md', () => {
  it('finds a short trace of a planted defect', () => {
    requireProgram('spin', 'spin')
    requireProgram('gcc', 'gcc libc6-dev')
    const [commands = ''] = Page.at('model/README.md').take('sh')
    const env = { ...process.env, TMPDIR: folder, PATH: [process.env.PATH, '/usr/games'].join(delimiter) }
    const trace = execFileSync('bash', ['-e', '-c', commands], { cwd: repository, env, encoding: 'utf8' })
    expect(trace).toContain('assertion violated')
    expect(trace).toMatch(/^ *2:\s+proc /m)
    expect(blocksLeftOut('model/README.md')).toEqual([])
  })
})
