import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { requireProgram } from '../support/installed-program.js'
import { installedBinaries } from '../support/postgres-binaries.js'
import { createTestDatabase, type TestDatabase } from '../support/test-database.js'

const scripts = fileURLToPath(new URL('../../deploy/systemd', import.meta.url))
const page = readFileSync(new URL('../../docs/deploy-vm.md', import.meta.url), 'utf8')

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-vm-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('the scripts of deploy/systemd are accepted by shellcheck', () => {
  requireProgram('shellcheck', 'shellcheck')
  const files = readdirSync(scripts).filter((name) => name.endsWith('.sh'))
  execFileSync('shellcheck', files, { cwd: scripts })
  expect(files.length).toBeGreaterThan(2)
})

describe('switch.sh', () => {
  /** A release whose command says which one it is as soon as a line comes in, by a file that it loads only then. */
  const makeRelease = (name: string) => {
    const bin = join(folder, 'releases', name, 'packages/server/bin')
    mkdirSync(bin, { recursive: true })
    writeFileSync(join(bin, 'latchkey.js'), `process.stdin.once('data', () => require('./name.js'))`)
    writeFileSync(join(bin, 'name.js'), `console.log('${name}'); process.exit()`)
  }
  const current = () => join(folder, 'current/packages/server/bin/latchkey.js')
  const run = (...args: string[]) =>
    spawnSync(join(scripts, 'switch.sh'), args, { env: { ...process.env, LATCHKEY_HOME: folder }, encoding: 'utf8' })

  it('makes a release the current one, and an earlier one again', () => {
    for (const name of ['one', 'two']) makeRelease(name)
    for (const name of ['one', 'two', 'one']) {
      expect(run(name).status).toBe(0)
      expect(readlinkSync(join(folder, 'current'))).toBe(`releases/${name}`)
      expect(execFileSync(process.execPath, [current()], { input: '\n', encoding: 'utf8' })).toBe(`${name}\n`)
    }
  })

  it('leaves a running server with the files of its own release', () => {
    for (const name of ['one', 'two']) makeRelease(name)
    run('one')
    const switchAndAsk = `(sleep 1; "${join(scripts, 'switch.sh')}" two >&2; echo) | "${process.execPath}" "${current()}"`
    const env = { ...process.env, LATCHKEY_HOME: folder }
    expect(execFileSync('bash', ['-c', switchAndAsk], { env, encoding: 'utf8', stdio: 'pipe' })).toBe('one\n')
    expect(readlinkSync(join(folder, 'current'))).toBe('releases/two')
  })

  it('changes nothing when there is no such release', () => {
    makeRelease('one')
    run('one')
    for (const args of [['two'], [], ['']]) expect(run(...args).status).not.toBe(0)
    expect(readlinkSync(join(folder, 'current'))).toBe('releases/one')
  })
})

describe('backup.sh', () => {
  let database: TestDatabase

  beforeEach(async () => {
    requireProgram('psql', 'postgresql')
    database = await createTestDatabase()
    return () => database.drop()
  })

  const run = (target: string) =>
    spawnSync(join(scripts, 'backup.sh'), {
      env: {
        PATH: [installedBinaries() ?? '', process.env.PATH ?? ''].join(delimiter),
        BACKUPS: folder,
        DATABASE: target,
        KEEP_DAYS: '14',
      },
      encoding: 'utf8',
    })
  const dumps = () => readdirSync(folder).toSorted()

  it('writes a new dump each time that it runs, and none over another', () => {
    const names = [1, 2].map(() => {
      const { status, stdout, stderr } = run(database.url)
      expect([status, stderr]).toEqual([0, ''])
      return stdout.trim()
    })
    expect(dumps().map((name) => join(folder, name))).toEqual(names.toSorted())
    expect(new Set(names).size).toBe(2)
  })

  it('deletes what is older than it has to keep, and nothing else', () => {
    const daysAgo = (days: number) => Date.now() / 1000 - days * 86_400
    const ages = { 'latchkey-old.dump': 16, 'latchkey-new.dump': 13, 'other.dump': 99 }
    for (const [name, days] of Object.entries(ages)) {
      writeFileSync(join(folder, name), '')
      utimesSync(join(folder, name), daysAgo(days), daysAgo(days))
    }
    expect(run(database.url).status).toBe(0)
    expect(dumps()).toEqual(expect.arrayContaining(['latchkey-new.dump', 'other.dump']))
    expect(existsSync(join(folder, 'latchkey-old.dump'))).toBe(false)
  })

  it('fails, leaves nothing half, and deletes nothing, when the database cannot be read', () => {
    writeFileSync(join(folder, 'latchkey-old.dump'), '')
    utimesSync(join(folder, 'latchkey-old.dump'), 0, 0)
    expect(run(`${database.url}-absent`).status).not.toBe(0)
    expect(dumps()).toEqual(['latchkey-old.dump'])
  })
})

describe('docs/deploy-vm.md', () => {
  it('names the paths that the units and scripts use', () => {
    const units = readdirSync(scripts).map((name) => readFileSync(join(scripts, name), 'utf8'))
    const paths = units.flatMap((text) => text.match(/\/(?:opt|etc|var\/backups)\/[\w/.-]+/g) ?? [])
    const folders = [
      '/opt/node',
      '/opt/latchkey',
      '/etc/latchkey/secrets',
      '/etc/latchkey/latchkey.env',
      '/var/backups/latchkey',
    ]
    expect(paths.length).toBeGreaterThan(8)
    expect(paths.filter((path) => !folders.some((known) => path.startsWith(known)))).toEqual([])
    expect(folders.filter((known) => !page.includes(known))).toEqual([])
  })
})
