import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { operator } from '../../../src/audit/operator.js'
import { firstId } from '../../../src/routes/schemas.js'
import { besideServer, outcomeOf } from '../../support/beside-server.js'
import { createAdmin, login, password, register, tokenState } from '../../support/people.js'
import { addAuthenticator } from '../../support/totp-app.js'

const hash = `$2b$04$${'A'.repeat(53)}`

describe('beside a running server, latchkey', () => {
  const beside = besideServer('sqlite')

  it('users list prints accounts in text and in JSON', async () => {
    const [ada, bob] = [
      await register(beside.running, 'ada@list.test'),
      await register(beside.running, 'bob@list.test'),
    ]
    const [table, lines] = await Promise.all([
      beside.run('users', 'list', '--search', 'list.test'),
      beside.run('users', 'list', '--search', 'list.test', '--json'),
    ])
    expect(table.stdout).toMatch(
      new RegExp(`^ID .*EMAIL\n${ada.id}  user .* ada@list\\.test\n${bob.id} .* bob@list\\.test\n$`),
    )
    const parsed = lines.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(parsed.map(({ id, email, disabled_at }) => [id, email, disabled_at])).toEqual([
      [ada.id, 'ada@list.test', null],
      [bob.id, 'bob@list.test', null],
    ])
  })

  it('users disable, enable and delete do the same as the routes, and the server receives the change', async () => {
    const person = await register(beside.running)
    expect(outcomeOf(await beside.run('users', 'disable', person.email))).toEqual([2, 'command_refused'])
    expect((await beside.run('users', 'disable', person.email.toUpperCase(), '--yes')).code).toBe(0)
    expect(await beside.laterState(person.token)).toBe('token_revoked')
    expect((await beside.run('users', 'enable', person.id)).code).toBe(0)
    const again = await login(beside.running, person.email)
    expect(await tokenState(beside.running, again.token)).toBe(200)
    const deleted = await beside.run('users', 'delete', person.id, '--yes', '--json')
    expect(JSON.parse(deleted.stdout)).toEqual({ id: person.id, email: person.email, done: 'delete' })
    expect(await beside.laterState(again.token)).toBe('token_revoked')
    expect(outcomeOf(await beside.run('users', 'enable', person.id))).toEqual([1, 'account_unknown'])
    const admin = await createAdmin(beside.running)
    const { body } = await beside.running.api.get(`/v1/admin/audit?account=${person.id}&actor=cli`, {
      token: admin.token,
    })
    expect(body.entries.map(({ event }) => event)).toEqual(['account_delete', 'account_enable', 'account_disable'])
  })

  it('users create, verify, reset-link and invite print passwords and links to hand out, and mail nothing', async () => {
    const email = `${randomUUID()}@provisioned.test`
    const created = JSON.parse((await beside.run('users', 'create', email, '--json')).stdout)
    expect(created).toEqual({ id: expect.any(String), email, email_verified: false })
    expect((await beside.run('users', 'verify', email)).code).toBe(0)
    const printed = (await beside.run('users', 'reset-link', email)).stdout.trim()
    expect(printed).toMatch(/\/reset-password#token=[\w-]{43}$/)
    const body = { token: printed.split('#token=')[1], new_password: password }
    expect((await beside.running.api.post('/v1/password/reset', { body })).status).toBe(204)
    expect((await login(beside.running, email)).id).toBe(created.id)
    const invited = JSON.parse((await beside.run('users', 'invite', 'ada@invited.test', '--json')).stdout)
    expect(invited).toMatchObject({ email: 'ada@invited.test', delivery: 'link' })
    const token = invited.url.split('#token=')[1]
    const { status } = await beside.running.api.post('/v1/register/invited', { body: { token, password } })
    expect(status).toBe(201)
    expect(outcomeOf(await beside.run('users', 'create', email))).toEqual([1, 'email_taken'])
  })

  it('users reset-factors removes the second factors of an account, and informs when it has none', async () => {
    const person = await register(beside.running)
    await addAuthenticator(beside.running, person)
    expect(outcomeOf(await beside.run('users', 'reset-factors', person.email))).toEqual([2, 'command_refused'])
    expect((await beside.run('users', 'reset-factors', person.email, '--yes')).code).toBe(0)
    expect((await login(beside.running, person.email)).id).toBe(person.id)
    expect(outcomeOf(await beside.run('users', 'reset-factors', person.id, '--yes'))).toEqual([1, 'factor_missing'])
  })

  it('users cancel-factor-reset cancels a reset that waits, and informs when none does', async () => {
    const { running } = beside
    const person = await register(running)
    await addAuthenticator(running, person)
    const delaying = await running.startAnother({ configuration: { factorResetDelaySec: 3600 } })
    const { token } = await createAdmin(running)
    await delaying.api.delete(`/v1/admin/users/${person.id}/factors`, { token })
    await delaying.stop()
    expect((await beside.run('users', 'cancel-factor-reset', person.email)).code).toBe(0)
    const { body } = await running.api.get(`/v1/admin/users/${person.id}`, { token })
    expect([body.factor_reset_at, body.second_factor]).toEqual([null, true])
    const entries = await running.api.get(`/v1/admin/audit?account=${person.id}&actor=cli`, { token })
    expect(entries.body.entries.map(({ event }) => event)).toEqual(['factor_reset_cancel'])
    const again = await beside.run('users', 'cancel-factor-reset', person.id)
    expect(outcomeOf(again)).toEqual([1, 'factor_reset_unknown'])
  })

  it('users disable refuses the last administrator, and users delete reports when none is left', async () => {
    const { service } = beside.running.server
    const before = await service.administration.list({ search: '', after: firstId, limit: 100 })
    for (const { id, role } of before.items) if (role === 'admin') await service.administration.delete(operator, id)
    const only = await createAdmin(beside.running)
    expect(outcomeOf(await beside.run('users', 'disable', only.id, '--yes'))).toEqual([1, 'last_administrator'])
    expect(await beside.laterState(only.token)).toBe(200)
    const { code, stdout } = await beside.run('users', 'delete', only.id, '--yes')
    expect([code, stdout.trim().split('\n').length]).toEqual([0, 2])
    expect(await service.adminCreation.hasAdmin()).toBe(false)
  })

  it('secrets rotate ends no session, and secrets list prints versions without a secret', async () => {
    const person = await register(beside.running)
    expect((await beside.run('secrets', 'rotate', person.email)).code).toBe(0)
    expect(await beside.laterState(person.token)).toBe(200)
    const { stdout } = await beside.run('secrets', 'list', person.email, '--json')
    const { secrets } = JSON.parse(stdout)
    expect(secrets.map(({ generation }: { generation: number }) => generation)).toEqual([1, 2])
    expect(Object.keys(secrets[0])).not.toContain('sealed')
  })

  it('secrets rotate-all stops by itself after a limit, for a check before the rest', async () => {
    await Promise.all([register(beside.running), register(beside.running)])
    const { code, stdout } = await beside.run('secrets', 'rotate-all', '--limit', '1', '--json')
    expect([code, JSON.parse(stdout).rotated]).toEqual([0, 1])
    expect(JSON.parse(stdout).remaining).toBeGreaterThanOrEqual(1)
    expect((await beside.run('secrets', 'rotate-all', '--limit', 'few')).code).toBe(2)
  })

  it('token inspect prints the claims of a token and the reason of its refusal, and never its signature', async () => {
    const person = await register(beside.running)
    const inspect = (token: string, ...options: string[]) =>
      beside.start(['token', 'inspect', ...options], token).finished
    const signature = person.token.split('.')[2] ?? ''
    const good = await inspect(`${person.token}\n`, '--json')
    const parsed = JSON.parse(good.stdout)
    expect([good.code, parsed.accepted, parsed.claims.sub, parsed.secret.tenant]).toEqual([
      0,
      true,
      person.id,
      person.id,
    ])
    const read = await inspect(person.token)
    expect(read.stdout).toMatch(/^verdict +accepted$/m)
    await beside.running.api.post('/v1/logout-all', { token: person.token })
    const revoked = await inspect(person.token, '--json')
    expect([...outcomeOf(revoked), JSON.parse(revoked.stdout).refusal.code]).toEqual([
      1,
      'token_refused',
      'token_revoked',
    ])
    expect([good, read, revoked].map(({ stdout, stderr }) => stdout + stderr).join()).not.toContain(signature)
    const [hostile, empty] = await Promise.all([inspect('a\u0007.\u009b31m.c'), inspect('')])
    expect([hostile, empty].map(outcomeOf)).toEqual([
      [1, 'token_refused'],
      [1, 'token_refused'],
    ])
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the test looks for these characters
    expect(hostile.stdout + hostile.stderr).not.toMatch(/[\u0007\u009b]/)
  })

  it('users list exits quietly when its reader closes the pipe', async () => {
    const env = { PATH: process.env.PATH, ...beside.deployment.env }
    const bin = fileURLToPath(new URL('../../../bin/latchkey.js', import.meta.url))
    // More output than the buffer of a pipe holds.
    const users = Array.from({ length: 2500 }, (_, at) =>
      JSON.stringify({ email: `${at}@pipe.test`, password_hash: hash }),
    )
    await beside.start(['users', 'import'], users.join('\n')).finished
    const script = `"${process.execPath}" "${bin}" users list | head -n 1; exit "\${PIPESTATUS[0]}"`
    const { stdout, stderr } = await promisify(execFile)('bash', ['--norc', '-c', script], { env })
    expect([stdout.split('\n').length, stderr]).toEqual([2, ''])
  })
})
