import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

/** The environment without that of the test runner, which would change the build of Next.js. */
const env = { PATH: process.env.PATH, HOME: process.env.HOME, NEXT_TELEMETRY_DISABLED: '1' }

/** Starts a built application, and returns its process and its address. */
async function start(project: string): Promise<{ readonly server: ChildProcess; readonly origin: string }> {
  const args = ['node_modules/next/dist/bin/next', 'start', '-p', '0', '-H', '127.0.0.1']
  const server = spawn(process.execPath, args, { cwd: project, env, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  for await (const chunk of server.stdout) {
    output += chunk
    const origin = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0]
    if (origin !== undefined && output.includes('Ready')) return { server, origin }
  }
  throw new Error(`Next.js did not start: ${output}`)
}

describe('an application of Next.js that installs the packed library', () => {
  let folder: string
  let server: ChildProcess | undefined
  let origin: string

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-next-'))
    const project = join(folder, 'project')
    const pack = ['pack', '--json', '--workspace', 'latchkey', '--pack-destination', folder]
    const { stdout } = await run('npm', pack, { cwd: repository })
    const [{ filename }] = JSON.parse(stdout)
    cpSync(fileURLToPath(new URL('next', import.meta.url)), project, { recursive: true })
    const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline']
    await run('npm', ['install', ...options, join(folder, filename)], { cwd: project })
    // The build also checks the types of handlers, pages and the proxy.
    await run(process.execPath, ['node_modules/next/dist/bin/next', 'build'], { cwd: project, env })
    ;({ server, origin } = await start(project))
  })

  afterAll(async () => {
    if (server?.kill() === true) await once(server, 'exit')
    rmSync(folder, { recursive: true, force: true })
  })

  const change = async (method: string, body: object): Promise<string> => {
    const answer = await fetch(`${origin}/api/tokens`, { method, body: JSON.stringify(body) })
    return ((await answer.json()) as { token: string }).token
  }

  const ask = (path: string, headers: Record<string, string> = {}, method = 'GET', body?: FormData) =>
    fetch(origin + path, { method, headers, redirect: 'manual', ...(body === undefined ? {} : { body }) })

  /** Sends the form of a page without a script, as a browser does. */
  const act = async (headers: Record<string, string>) => {
    const page = await (await ask('/account', headers)).text()
    const form = new FormData()
    form.set(/\$ACTION_ID_[0-9a-f]+/.exec(page)?.[0] ?? 'no action', '')
    return ask('/account', headers, 'POST', form)
  }

  it('guards route handlers, and passes parameters on', async () => {
    const authorization = `Bearer ${await change('POST', { subject: 'ada' })}`
    const refused = await ask('/api/posts/7')
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    expect(await (await ask('/api/posts/7', { authorization })).json()).toEqual({ id: '7', reader: 'ada' })
    expect((await ask('/api/posts/7', { authorization }, 'DELETE')).status).toBe(403)
    await change('POST', { subject: 'ada', scope: 'posts:write' })
    const deleted = await (await ask('/api/posts/7', { authorization }, 'DELETE')).json()
    expect(deleted).toEqual({ id: '7', deletedBy: 'ada', pathname: '/api/posts/7' })
  })

  it('refuses a change that another site has caused with the cookie', async () => {
    const cookie = `token=${await change('POST', { subject: 'bob', scope: 'posts:write' })}`
    expect((await ask('/api/posts/7', { cookie, origin: 'https://evil.example' }, 'DELETE')).status).toBe(403)
    expect((await ask('/api/posts/7', { cookie, origin }, 'DELETE')).status).toBe(200)
  })

  it('guards pages and their actions, and redirects guests', async () => {
    const guest = await ask('/account')
    expect([guest.status, guest.headers.get('location')]).toEqual([307, '/sign-in'])
    const cookie = `token=${await change('POST', { subject: 'carol' })}`
    expect(await (await ask('/account', { cookie })).text()).toContain('carol acted 0 times')
    expect(await (await act({ cookie, origin })).text()).toContain('carol acted 1 times')
    expect((await act({ cookie, origin: 'https://evil.example' })).status).toBe(500)
    expect(await (await ask('/account', { cookie })).text()).toContain('carol acted 1 times')
  })

  it('lets only requests with a valid token through the proxy, and none after a revocation', async () => {
    const guest = await ask('/reports')
    expect([guest.status, guest.headers.get('location')]).toEqual([302, expect.stringMatching(/\/sign-in$/)])
    const cookie = `token=${await change('POST', { subject: 'dora' })}`
    expect(await (await ask('/reports', { cookie })).text()).toContain('Reports')
    await change('DELETE', { subject: 'dora' })
    expect((await ask('/reports', { cookie })).status).toBe(302)
    expect((await ask('/account', { cookie })).headers.get('location')).toBe('/sign-in')
  })
})
