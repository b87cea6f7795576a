import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAdmin, login, type Person, register } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

interface Part {
  readonly checked: number
  readonly last: { readonly seq: number; readonly link: string }
  readonly head: { readonly seq: number; readonly link: string }
  readonly done: boolean
  readonly findings: readonly { readonly fault: string; readonly seq: number | null; readonly id: string | null }[]
}

describe.each(databases)('the audit log of an administrator on %s', (database) => {
  let running: TestServer
  let admin: Person
  let person: Person

  const run = (sql: string, values: unknown[] = []) => running.server.service.store.query(sql, values)
  const seal = () => running.server.service.auditChain.seal()
  const entries = async (query: string) =>
    (await running.api.get(`/v1/admin/audit?${query}`, { token: admin.token })).body.entries
  const exported = async (query: string) => {
    const answer = await running.api.get(`/v1/admin/audit/export?${query}`, { token: admin.token })
    expect(answer.status).toBe(200)
    return answer
  }
  const linesOf = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  const verifyPart = async (after?: Part['last']) => {
    const call = { token: admin.token, body: after === undefined ? {} : { after } }
    const { status, body } = await running.api.post('/v1/admin/audit/verify', call)
    expect(status).toBe(200)
    return body as unknown as Part
  }
  const verifyAll = async (): Promise<readonly Part[]> => {
    const parts = [await verifyPart()]
    for (let part = parts[0]; part !== undefined && !part.done; ) {
      part = await verifyPart(part.last)
      parts.push(part)
    }
    return parts
  }

  beforeAll(async () => {
    running = await startServer({ database })
    admin = await createAdmin(running)
    person = await register(running)
    for (let i = 0; i < 3; i += 1) await login(running, person.email)
    await register(running)
    await seal()
  })
  afterAll(() => running.stop())

  it('is exported as JSON lines, oldest first, with the same filters as the list', async () => {
    for (const query of [
      `account=${person.id}`,
      'event=login',
      `account=${person.id}&event=login`,
      `actor=${person.id}&outcome=done&event=register`,
      'event=login&outcome=refused',
      `session=${person.sessionId}`,
      'until=2020-01-01T00:00:00Z',
    ]) {
      const lines = linesOf((await exported(query)).text)
      const listed = (await entries(`${query}&limit=100`)).filter(({ event }) => event !== 'audit_export')
      expect([query, lines.map(({ id }) => id)]).toEqual([query, listed.map(({ id }) => id).toReversed()])
    }
    const [first] = linesOf((await exported('')).text)
    expect(first).toMatchObject({ seq: 1, tag: expect.any(String), link: expect.any(String) })
  })

  it('is exported as CSV, as an attachment', async () => {
    const { headers, text } = await exported(`format=csv&account=${person.id}`)
    expect(headers.get('content-type')).toMatch(/^text\/csv/)
    expect(headers.get('content-disposition')).toBe('attachment; filename="latchkey-audit.csv"')
    expect(headers.get('cache-control')).toBe('no-store')
    const [title, ...rows] = text.trimEnd().split('\r\n')
    expect(title).toMatch(/^id,at,event/)
    expect(rows).toHaveLength(linesOf((await exported(`account=${person.id}`)).text).length)
    for (const row of rows) expect(row).not.toMatch(/(^|,)"[=+\-@]/)
  })

  it('records each export, with its filter', async () => {
    await exported('format=csv&event=register')
    const [entry] = await entries('event=audit_export&limit=1')
    expect(entry).toMatchObject({
      outcome: 'done',
      actor: admin.id,
      account: null,
      detail: { format: 'csv', filter: { event: 'register' } },
    })
  })

  it('refuses a filter that does not exist', async () => {
    for (const query of ['format=xml', 'event=nothing', 'since=yesterday', 'limit=5', 'x=1']) {
      const { body } = await running.api.get(`/v1/admin/audit/export?${query}`, { token: admin.token })
      expect([query, body.code]).toEqual([query, 'validation_failed'])
    }
  })

  it('is verified in parts, and the check is recorded', async () => {
    await seal()
    const parts = await verifyAll()
    expect(parts.flatMap(({ findings }) => findings)).toEqual([])
    const last = parts.at(-1)
    expect(last).toMatchObject({ done: true, last: last?.head })
    const [entry] = await entries('event=audit_verify&limit=1')
    expect(entry).toMatchObject({ outcome: 'done', actor: admin.id, detail: { findings: 0, seq: last?.head.seq } })
  })

  it('continues after the given place, and has smaller parts on request', async () => {
    await seal()
    const { auditChain } = running.server.service
    const whole = await auditChain.verify()
    const first = await auditChain.verifyPart(undefined, 1)
    expect(first.isDone).toBe(true)
    const place = { seq: 2, link: String((await run('select link from server_audit where seq = 2')).rows[0]?.link) }
    const rest = await verifyPart(place)
    expect(rest).toMatchObject({ done: true, checked: whole.entries - 2, findings: [] })
  })

  it('finds the first broken entry, and records the finding', async () => {
    await seal()
    const { rows } = await run('select id, event, seq from server_audit where seq = 3')
    await run(`update server_audit set event = 'logout' where seq = 3`)
    try {
      const [part] = await verifyAll()
      expect(part?.findings[0]).toEqual({ fault: 'entry_changed', seq: 3, id: rows[0]?.id })
      const [entry] = await entries('event=audit_verify&limit=1')
      expect(entry).toMatchObject({ outcome: 'refused', detail: { findings: 1 } })
    } finally {
      await run('update server_audit set event = $1 where seq = 3', [rows[0]?.event])
    }
  })

  it('finds that the last entries are missing', async () => {
    await seal()
    const { head } = await verifyPart()
    await run('delete from server_audit where seq = $1', [head.seq])
    // The server may link a newer entry meanwhile, behind the gap.
    const [first] = (await verifyAll()).flatMap(({ findings }) => findings)
    expect(['tail_missing', 'entries_missing']).toContain(first?.fault)
  })

  it('refuses a place that is none', async () => {
    for (const after of [{ seq: -1, link: '' }, { seq: 1 }, { seq: 1, link: "'" }, { seq: 1.5, link: '' }, 'x']) {
      const { body } = await running.api.post('/v1/admin/audit/verify', { token: admin.token, body: { after } })
      expect(body.code).toBe('validation_failed')
    }
  })
})
