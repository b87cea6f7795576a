import { pbkdf2Sync, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hash as bcrypt } from '@node-rs/bcrypt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operator } from '../../../src/audit/operator.js'
import { besideServer, outcomeOf } from '../../support/beside-server.js'
import { newestLetter } from '../../support/letters.js'
import { createAdmin, login, register } from '../../support/people.js'
import { databases } from '../../support/start-server.js'

const password = 'hunter2'

describe.each(databases)('beside a running server on %s, latchkey users import', (database) => {
  const beside = besideServer(database)
  let folder: string
  let bcrypted: string

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-import-'))
    bcrypted = await bcrypt(password, { cost: 4 })
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const file = (name: string, lines: readonly (object | string)[]) => {
    const path = join(folder, name)
    writeFileSync(path, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'))
    return path
  }
  const count = async (domain: string) => {
    const { rows } = await beside.running.server.service.store.query<{ count: number | string }>(
      'select count(*) as count from server_accounts where email like $1',
      [`%@${domain}`],
    )
    return Number(rows[0]?.count)
  }
  const hashOf = async (email: string) => {
    const { rows } = await beside.running.server.service.store.query<{ hash: string }>(
      'select password_hash as hash from server_accounts where email = $1',
      [email],
    )
    return rows[0]?.hash ?? ''
  }

  it('imports hashes with which users sign in with their old passwords, which are then rehashed', async () => {
    const key = pbkdf2Sync(password, 'abc', 1000, 32, 'sha256').toString('base64')
    const path = file('users.jsonl', [
      { email: 'ada@old.test', name: 'Ada', role: 'admin', email_verified: true, password_hash: bcrypted },
      { email: 'Bob@OLD.test', password_hash: `pbkdf2_sha256$1000$abc$${key}` },
    ])
    const { code, stdout, stderr } = await beside.run('users', 'import', path, '--json')
    expect([code, stderr, JSON.parse(stdout)]).toEqual([0, '', { imported: 2, present: 0, invalid: 0, dry_run: false }])
    const wrong = await beside.running.api.post('/v1/login', { body: { email: 'ada@old.test', password: 'hunter3' } })
    expect(wrong.body.code).toBe('invalid_credentials')
    expect(await hashOf('ada@old.test')).toBe(bcrypted)
    for (const email of ['ada@old.test', 'bob@old.test']) {
      await login(beside.running, email, password)
      // The cost of the servers of the tests.
      expect(await hashOf(email)).toMatch(/^\$argon2id\$v=19\$m=8,t=1,p=1\$/)
      await login(beside.running, email, password)
    }
    const admin = await createAdmin(beside.running)
    const { body } = await beside.running.api.get('/v1/admin/audit?event=account_import', { token: admin.token })
    expect(body.entries.map(({ actor }) => actor)).toEqual(['cli', 'cli'])
  })

  it('names each line that it cannot import, imports the others, and skips existing accounts', async () => {
    const { email } = await register(beside.running, 'here@bad.test')
    const before = await hashOf(email)
    const good = { email: 'good@bad.test', password_hash: bcrypted }
    const lines = [
      good,
      '{"email":',
      '[]',
      { ...good, email: 'no-address' },
      { ...good, email: 'x@bad.test', role: 'root' },
      { ...good, email: 'x@bad.test', name: 7 },
      { ...good, email: 'x@bad.test', email_verified: 'perhaps' },
      { ...good, email: 'x@bad.test', password: 'in the clear' },
      { ...good, email: 'x@bad.test', password_hash: 7 },
      { email: 'x@bad.test', password_hash: 'plain' },
      { email: 'x@bad.test', password_hash: bcrypted.replace('$04$', '$31$') },
      '',
      { ...good, email: email.toUpperCase() },
      { ...good, email: ' GOOD@bad.test' },
      `{"email":"long@bad.test","password_hash":"${bcrypted}","name":"${'x'.repeat(20_000)}"}`,
    ]
    const { code, stdout, stderr } = await beside.start(['users', 'import', '--json'], inputOf(lines)).finished
    expect([code, JSON.parse(stdout)]).toEqual([1, { imported: 1, present: 2, invalid: 11, dry_run: false }])
    expect(stderr.match(/^line \d+: \w+$/gm)?.toSorted()).toEqual(
      [
        'line 2: line_malformed',
        'line 3: line_malformed',
        'line 4: email_invalid',
        'line 5: role_invalid',
        'line 6: name_invalid',
        'line 7: email_verified_invalid',
        'line 8: field_unknown',
        'line 9: password_hash_unsupported',
        'line 10: password_hash_unsupported',
        'line 11: password_hash_excessive',
        'line 13: email_present',
        'line 14: email_present',
        'line 15: line_malformed',
      ].toSorted(),
    )
    expect(stderr).toMatch(/^latchkey: import_incomplete:/m)
    expect([stdout, stderr].join()).not.toContain(bcrypted)
    expect([await count('bad.test'), await hashOf(email)]).toEqual([2, before])
  })

  it('reads CSV, and a dry run changes nothing', async () => {
    const path = file('users.csv', [
      '\ufeffemail,name,password_hash',
      `ada@csv.test,"Lovelace, ""Ada""",${bcrypted}`,
      `bob@csv.test,,${bcrypted}`,
      'too,many,columns,here',
      `eve@csv.test,"two\nlines",${bcrypted}`,
    ])
    const dry = await beside.run('users', 'import', path, '--dry-run', '--json')
    expect([dry.code, JSON.parse(dry.stdout)]).toEqual([1, { imported: 3, present: 0, invalid: 1, dry_run: true }])
    expect(dry.stderr).toMatch(/^line 4: line_malformed$/m)
    expect(await count('csv.test')).toBe(0)
    await beside.run('users', 'import', path)
    expect(await count('csv.test')).toBe(3)
    const signedIn = await beside.running.api.post('/v1/login', { body: { email: 'ada@csv.test', password } })
    expect(signedIn.body.account.name).toBe('Lovelace, "Ada"')
    expect((await beside.run('users', 'import', join(folder, 'absent.csv'))).code).toBe(2)
  })

  it('keeps IDs, dates, disabled and verified states, and accepts accounts without a hash', async () => {
    const id = randomUUID()
    const lines = [
      {
        id: id.toUpperCase(),
        email: 'kept@keep.test',
        name: 'Kept',
        created_at: '2015-06-07T08:09:10.123Z',
        last_login_at: '2020-01-02 03:04:05.678+02',
        email_verified_at: '2015-06-08',
        password_hash: bcrypted,
      },
      { email: 'off@keep.test', disabled: true, created_at: '2016-01-01T00:00:00+05:30', password_hash: bcrypted },
      { email: 'gone@keep.test', disabled_at: '2019-01-01 00:00:00', password_hash: bcrypted },
      { email: 'empty@keep.test', name: 'Empty' },
      { email: 'null@keep.test', password_hash: null, disabled: false },
    ]
    const { code, stderr } = await beside.run('users', 'import', file('kept.jsonl', lines))
    expect([code, stderr]).toEqual([0, ''])
    const { api, server } = beside.running
    const { token } = await createAdmin(beside.running)
    const kept = (await api.get(`/v1/admin/users/${id}`, { token })).body
    expect(kept).toMatchObject({
      id,
      email: 'kept@keep.test',
      email_verified: true,
      created_at: '2015-06-07T08:09:10.123Z',
      last_login_at: '2020-01-02T01:04:05.678Z',
      disabled_at: null,
    })
    expect((await login(beside.running, 'kept@keep.test', password)).id).toBe(id)
    const found = (email: string) => server.service.administration.find(email)
    expect(await found('off@keep.test')).toMatchObject({ createdAt: Date.parse('2015-12-31T18:30:00Z') })
    expect(await found('gone@keep.test')).toMatchObject({ disabledAt: Date.parse('2019-01-01T00:00:00Z') })
    for (const email of ['off@keep.test', 'gone@keep.test']) {
      await expect(login(beside.running, email, password)).rejects.toThrow('account_disabled')
      const off = await found(email)
      expect(await server.service.keys.describe(off.id)).toMatchObject({ disabledAt: expect.any(Number) })
      await server.service.administration.enable(operator, off.id)
      await login(beside.running, email, password)
    }
    for (const secret of [password, 'x']) {
      await expect(login(beside.running, 'empty@keep.test', secret)).rejects.toThrow('invalid_credentials')
    }
    // Accounts without a hash use a password reset, which keeps their names.
    expect((await api.post('/v1/password/forgot', { body: { email: 'empty@keep.test' } })).status).toBe(202)
    const letter = await newestLetter(beside.running, 'empty@keep.test', 'Reset your password')
    const chosen = 'correct horse battery staple'
    expect((await api.post('/v1/password/reset', { body: { token: letter.token, new_password: chosen } })).status).toBe(
      204,
    )
    await login(beside.running, 'empty@keep.test', chosen)
    expect(await found('empty@keep.test')).toMatchObject({ name: 'Empty', disabledAt: null })
    expect(await found('null@keep.test')).toMatchObject({ disabledAt: null })
    // The second import skips an account even if its address has changed meanwhile.
    const again = await beside.run(
      'users',
      'import',
      file('again.jsonl', [...lines, { id, email: 'other@keep.test', password_hash: bcrypted }]),
      '--json',
    )
    expect([again.code, JSON.parse(again.stdout)]).toMatchObject([0, { imported: 0, present: 6, invalid: 0 }])
    expect(again.stderr).toMatch(/^line 6: id_present$/m)
  })

  it('reads booleans and empty fields of CSV as databases write them', async () => {
    const flags = ['t', '1', 'TRUE', 'True', 'true', 'f', '0', 'FALSE', 'false', '']
    const path = file('flags.csv', [
      'email,email_verified,disabled,password_hash,id,created_at',
      ...flags.map((flag, at) => `${at}@flags.test,${flag},${flag},,,`),
    ])
    expect((await beside.run('users', 'import', path)).code).toBe(0)
    const found = await Promise.all(
      flags.map((_, at) => beside.running.server.service.administration.find(`${at}@flags.test`)),
    )
    expect(found.map(({ emailVerifiedAt, disabledAt }) => [emailVerifiedAt !== null, disabledAt !== null])).toEqual(
      flags.map((_, at) => [at < 5, at < 5]),
    )
  })

  it('names values that it cannot import', async () => {
    const { body } = await beside.running.api.post('/v1/admin/clients', {
      token: (await createAdmin(beside.running)).token,
      body: { name: 'a machine' },
    })
    const user = { email: 'x@keep-bad.test', password_hash: bcrypted }
    const faulty = [
      { id: 'auth0|5f7c' },
      { id: '00000000-0000-0000-0000-000000000000' },
      { id: 42 },
      { created_at: 'yesterday' },
      { created_at: '2020-02-30T00:00:00Z' },
      { created_at: '1969-12-31T23:59:59Z' },
      { created_at: '2999-01-01T00:00:00Z' },
      { last_login_at: 1_500_000_000 },
      { disabled: 'perhaps' },
      { disabled: false, disabled_at: '2020-01-01T00:00:00Z' },
      { disabled_at: 'x' },
      { email_verified: 2 },
      { email_verified_at: true },
      { id: body.id },
    ]
    const lines = faulty.map((fields) => ({ ...user, ...fields }))
    const { stdout, stderr } = await beside.start(['users', 'import', '--json'], inputOf(lines)).finished
    expect(JSON.parse(stdout)).toMatchObject({ imported: 0, present: 1, invalid: faulty.length - 1 })
    expect(stderr.match(/^line \d+: \w+$/gm)?.map((line) => line.replace(/^line \d+: /, ''))).toEqual([
      ...['id_invalid', 'id_invalid', 'id_invalid'],
      ...['created_at_invalid', 'created_at_invalid', 'created_at_invalid', 'created_at_invalid'],
      'last_login_at_invalid',
      ...['disabled_invalid', 'disabled_invalid', 'disabled_at_invalid'],
      ...['email_verified_invalid', 'email_verified_at_invalid'],
      'id_present',
    ])
  })

  it('stops on SIGINT between two batches, and continues from there when it is repeated', async () => {
    const people = database === 'sqlite' ? 2000 : 600
    const lines = Array.from({ length: people }, (_, at) => ({ email: `${at}@many.test`, password_hash: bcrypted }))
    const path = file('many.jsonl', lines)
    const first = beside.start(['users', 'import', path])
    while ((await count('many.test')) === 0) await sleep(10)
    const stopped = await first.stop('SIGINT')
    expect(outcomeOf(stopped)).toEqual([130, 'interrupted'])
    const done = await count('many.test')
    expect([done % 100, done < people]).toEqual([0, true])
    const { code, stdout } = await beside.run('users', 'import', path, '--json')
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { imported: people - done, present: done, invalid: 0 }])
    expect(await count('many.test')).toBe(people)
    await login(beside.running, `${people - 1}@many.test`, password)
  })
})

function inputOf(lines: readonly (object | string)[]): string {
  return lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\r\n')
}
