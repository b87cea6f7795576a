import { pbkdf2Sync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hash as bcrypt } from '@node-rs/bcrypt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { besideServer, outcomeOf } from './support/beside-server.js'
import { createAdmin, login, register } from './support/people.js'
import { databases } from './support/start-server.js'

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

  it('lets people sign in with the password they had, which is then hashed as ours are', async () => {
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
      expect(await hashOf(email)).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
      await login(beside.running, email, password)
    }
    const admin = await createAdmin(beside.running)
    const { body } = await beside.running.api.get('/v1/admin/audit?event=account_import', { token: admin.token })
    expect(body.entries.map(({ actor }) => actor)).toEqual(['cli', 'cli'])
  })

  it('names each line that it cannot take, takes the others, and passes over those who are there', async () => {
    const { email } = await register(beside.running, 'here@bad.test')
    const before = await hashOf(email)
    const good = { email: 'good@bad.test', password_hash: bcrypted }
    const lines = [
      good,
      '{"email":',
      '[]',
      { ...good, email: 'nobody' },
      { ...good, email: 'x@bad.test', role: 'root' },
      { ...good, email: 'x@bad.test', name: 7 },
      { ...good, email: 'x@bad.test', email_verified: 'perhaps' },
      { ...good, email: 'x@bad.test', password: 'in the clear' },
      { email: 'x@bad.test' },
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

  it('stops on SIGINT between two batches, and goes on from there when it is repeated', async () => {
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
