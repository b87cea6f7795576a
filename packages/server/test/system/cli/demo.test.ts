import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../../../../test/support/free-port.js'
import { outcomeOf } from '../../support/beside-server.js'
import { Command } from '../../support/command.js'

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'latchkey-demo-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Starts a demo; a small one is filled faster. */
function start(folder: string, port: number, ...options: string[]): Command {
  return new Command(['demo', '--folder', folder, '--port', String(port), ...options], {})
}

/** Waits until the demo runs, and returns the password of its administrator. */
async function passwordOf(demo: Command): Promise<string> {
  return /password {3}(\S+)/.exec(await demo.prints(/Ctrl-C stops it/))?.[1] ?? ''
}

describe('latchkey demo', () => {
  let folder: string
  let port: number
  let demo: Command
  let password: string
  let token: string

  const read = async (path: string) => {
    const answer = await fetch(`http://localhost:${port}${path}`, { headers: { authorization: `Bearer ${token}` } })
    return JSON.parse(await answer.text())
  }
  const count = async (event: RegExp) => (await read('/v1/admin/audit?limit=100')).entries.filter(isOf(event)).length
  const isOf =
    (event: RegExp) =>
    ({ event: name, outcome }: { event: string; outcome: string }) =>
      event.test(`${name} ${outcome}`)

  beforeAll(async () => {
    folder = join(root, 'demo')
    port = await freePort()
    const begun = performance.now()
    demo = start(folder, port)
    password = await passwordOf(demo)
    console.log(`The demo was up after ${((performance.now() - begun) / 1000).toFixed(1)} s.`)
    const body = JSON.stringify({ email: 'admin@example.com', password })
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`http://localhost:${port}/v1/login`, { method: 'POST', headers, body })
    token = JSON.parse(await answer.text()).access_token
    return () => demo.stop('SIGKILL')
  })

  it('has 2,000 users with sessions, secrets of several ages, and disabled accounts', async () => {
    const { accounts, living_sessions, secrets } = await read('/v1/admin/stats')
    expect(accounts).toMatchObject({ total: 2001, admins: 1 })
    expect(accounts.disabled).toBeGreaterThan(10)
    expect(living_sessions).toBeGreaterThan(500)
    expect(secrets.filter((age: { count: number }) => age.count > 0).length).toBeGreaterThanOrEqual(4)
    expect((await read('/v1/admin/clients')).clients.length).toBe(4)
  })

  it('keeps light traffic of sign-ins, verifications and refusals', async () => {
    const verified = async () => {
      const { verifications } = await read('/v1/admin/stats')
      return verifications.memory + verifications.read
    }
    const before = await verified()
    await expect.poll(verified).toBeGreaterThan(before + 10)
    await expect.poll(() => count(/login done/)).toBeGreaterThan(2)
  })

  it('serves the console to this machine alone', async () => {
    expect(await (await fetch(`http://localhost:${port}/console`)).text()).toContain('Latchkey console')
    const others = Object.values(networkInterfaces()).flatMap((found) => found ?? [])
    for (const { address, internal, family } of others) {
      if (internal || family !== 'IPv4') continue
      await expect(fetch(`http://${address}:${port}/livez`)).rejects.toThrow()
    }
  })

  it('shows its files to their owner alone', () => {
    for (const name of ['.', 'demo.json', 'latchkey.db', 'master.key'])
      expect(statSync(join(folder, name)).mode & 0o077).toBe(0)
  })

  it('does not run twice in one folder', async () => {
    for (const options of [[], ['--fresh']])
      expect(outcomeOf(await start(folder, await freePort(), ...options).finished)).toEqual([2, 'command_refused'])
    expect((await read('/v1/me')).email).toBe('admin@example.com')
  })

  it('stops at Ctrl-C, continues with the same data, and begins again with --fresh', async () => {
    expect(await demo.stop('SIGINT')).toMatchObject({ code: 0 })
    const verified = await new Command(['audit', 'verify'], { LATCHKEY_DATA_DIR: folder }).finished
    expect(verified.code).toBe(0)
    demo = start(folder, port)
    expect(await passwordOf(demo)).toBe(password)
    expect(await demo.stop()).toMatchObject({ code: 0, stderr: '' })
    demo = start(folder, port, '--fresh', '--users', '30')
    expect(await passwordOf(demo)).not.toBe(password)
  })
})

describe('latchkey demo refuses', () => {
  it('the environment of a real server', async () => {
    const folder = join(root, 'real')
    const environments = [
      { DATABASE_URL: 'postgres://localhost/real' },
      { DATABASE_URL_FILE: '/run/secrets/url' },
      { LATCHKEY_DATA_DIR: '/var/lib/latchkey' },
      { NODE_ENV: 'production' },
    ]
    for (const env of environments) {
      const finished = await new Command(['demo', '--folder', folder], env as Record<string, string>).finished
      expect([Object.keys(env), ...outcomeOf(finished)]).toEqual([Object.keys(env), 2, 'command_refused'])
    }
    expect(existsSync(folder)).toBe(false)
  })

  it('the data folder of a server, and changes nothing', async () => {
    const folder = join(root, 'server')
    await new Command(['migrate'], { LATCHKEY_DATA_DIR: folder }).finished
    const files = readdirSync(folder)
    const before = readFileSync(join(folder, 'latchkey.db'))
    for (const options of [[], ['--fresh']])
      expect(outcomeOf(await start(folder, await freePort(), ...options).finished)).toEqual([2, 'command_refused'])
    expect(readdirSync(folder)).toEqual(files)
    expect(readFileSync(join(folder, 'latchkey.db'))).toEqual(before)
  })
})

it('latchkey demo begins again after it was ended while it was being filled', async () => {
  const folder = join(root, 'half')
  mkdirSync(folder)
  // No process has this number.
  writeFileSync(join(folder, 'demo.json'), JSON.stringify({ pid: 2 ** 30 }))
  writeFileSync(join(folder, 'latchkey.db'), 'half of a database')
  const demo = start(folder, await freePort(), '--users', '10')
  expect(await passwordOf(demo)).not.toBe('')
  expect(await demo.stop()).toMatchObject({ code: 0 })
})
