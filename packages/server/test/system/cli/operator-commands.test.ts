import { describe, expect, it } from 'vitest'
import { besideServer, outcomeOf } from '../../support/beside-server.js'
import type { Finished } from '../../support/command.js'
import { createAdmin, login, register, tokenState } from '../../support/people.js'
import { databases, type TestServer } from '../../support/start-server.js'

function linesOf({ stdout }: Finished) {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

/** Returns the status of the token endpoint for the client. */
async function tokenStatus({ api }: TestServer, id: string, secret: string): Promise<number> {
  const credentials = Buffer.from(`${id}:${secret}`).toString('base64')
  const { status } = await api.post('/oauth/token', {
    raw: 'grant_type=client_credentials',
    headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: `Basic ${credentials}` },
  })
  return status
}

describe.each(databases)('beside a running server on %s, latchkey', (database) => {
  const beside = besideServer(database)
  const loggedFor = async (account: string) => {
    const admin = await createAdmin(beside.running)
    const { body } = await beside.running.api.get(`/v1/admin/audit?account=${account}&actor=cli`, {
      token: admin.token,
    })
    return body.entries.map(({ event }: { event: string }) => event)
  }

  it('clients create prints a secret that the token endpoint accepts, and clients list never prints it', async () => {
    const created = await beside.run('clients', 'create', 'report', '--scope', 'a:read', '--may-introspect', '--json')
    const { id, client_secret: secret, ...rest } = JSON.parse(created.stdout)
    expect(rest).toMatchObject({ name: 'report', scope: 'a:read', may_introspect: true, disabled_at: null })
    expect(await tokenStatus(beside.running, id, secret)).toBe(200)
    const [table, lines] = [await beside.run('clients', 'list'), await beside.run('clients', 'list', '--json')]
    expect(table.stdout).toMatch(new RegExp(`^${id} .* yes +report +a:read$`, 'm'))
    expect(linesOf(lines).map((client) => client.id)).toContain(id)
    expect(created.stdout.split(secret)).toHaveLength(2)
    expect(created.stderr + table.stdout + lines.stdout).not.toContain(secret)
    expect(await loggedFor(id)).toEqual(['client_create'])
  })

  it('clients create refuses a scope or a name that the API refuses', async () => {
    expect((await beside.run('clients', 'create', 'report', '--scope', 'a"b')).code).toBe(2)
    expect((await beside.run('clients', 'create', '')).code).toBe(2)
    expect((await beside.run('clients', 'create', 'a\nb')).code).toBe(2)
  })

  it('clients rotate keeps the old secret for its grace period, and ends it at once after a leak', async () => {
    const { id, client_secret: first } = JSON.parse((await beside.run('clients', 'create', 'r', '--json')).stdout)
    const { client_secret: second } = JSON.parse((await beside.run('clients', 'rotate', id, '--json')).stdout)
    expect(await tokenStatus(beside.running, id, first)).toBe(200)
    expect(await tokenStatus(beside.running, id, second)).toBe(200)
    const leaked = ['clients', 'rotate', id, '--grace-period', '0']
    expect(outcomeOf(await beside.run(...leaked))).toEqual([2, 'command_refused'])
    const text = (await beside.run(...leaked, '--yes')).stdout
    const [, third = ''] = /^client_secret +(\S+)$/m.exec(text) ?? []
    const statuses = [first, second, third].map((secret) => tokenStatus(beside.running, id, secret))
    expect(await Promise.all(statuses)).toEqual([401, 401, 200])
    expect(outcomeOf(await beside.run('clients', 'rotate', crypto.randomUUID()))).toEqual([1, 'client_unknown'])
    expect(await loggedFor(id)).toEqual(['client_secret_rotate', 'client_secret_rotate', 'client_create'])
  })

  it('sessions list prints the sessions of an account, and sessions end ends only one', async () => {
    const person = await register(beside.running)
    const other = await login(beside.running, person.email)
    const listed = linesOf(await beside.run('sessions', 'list', person.email, '--json'))
    expect(listed).toHaveLength(2)
    const [newest] = listed
    expect((await beside.run('sessions', 'list', person.id)).stdout).toMatch(new RegExp(`^${newest.id} `, 'm'))
    expect(outcomeOf(await beside.run('sessions', 'end', newest.id))).toEqual([2, 'command_refused'])
    expect((await beside.run('sessions', 'end', newest.id, '--yes')).code).toBe(0)
    expect(await beside.laterState(other.token)).toBe('session_ended')
    expect(await tokenState(beside.running, person.token)).toBe(200)
    expect(outcomeOf(await beside.run('sessions', 'end', newest.id, '--yes'))).toEqual([1, 'session_unknown'])
    expect(outcomeOf(await beside.run('sessions', 'end', 'none', '--yes'))).toEqual([1, 'session_unknown'])
    expect(await loggedFor(person.id)).toEqual(['session_end'])
  })

  it('keys rotate makes the next key sign, and keys list prints the state of each key', async () => {
    const published = async () =>
      (await beside.running.api.get('/.well-known/jwks.json')).body.keys.map(({ kid }) => kid)
    await published()
    const stages = async () =>
      Object.fromEntries(linesOf(await beside.run('keys', 'list', '--json')).map(({ stage, kid }) => [stage, kid]))
    const before = await stages()
    const { kid } = JSON.parse((await beside.run('keys', 'rotate', '--json')).stdout)
    expect(kid).toBe(before.next)
    expect(await stages()).toMatchObject({ current: before.next, previous: before.current })
    const table = (await beside.run('keys', 'list')).stdout
    expect(table).toMatch(new RegExp(`^${kid} +ES256 +signs +test `, 'm'))
    expect(table).not.toMatch(/BEGIN|PRIVATE/)
    await expect.poll(published).toContain((await stages()).next)
  })

  it('audit tail prints the newest entries, and then new ones as they follow', async () => {
    const person = await register(beside.running)
    const [last] = linesOf(await beside.run('audit', 'tail', '--lines', '1', '--json'))
    expect(last).toMatchObject({ event: 'register', account: person.id })
    const following = beside.start(['audit', 'tail', '--lines', '1', '--follow'])
    await following.prints(/register/)
    await beside.run('users', 'verify', person.id)
    await following.prints(/email_verify/)
    const { code, stdout } = await following.stop('SIGINT')
    expect([code, stdout.match(/ email_verify /g)?.length]).toEqual([0, 1])
  })
})
