import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { searchAccounts } from '../../../src/accounts/search-accounts.js'
import { foldText, searchTextOf } from '../../../src/accounts/search-text.js'
import { type AuditFilter, readAudit } from '../../../src/audit/read-audit.js'
import { idOf, insertAccounts, type PlainAccount, planOf, recording } from '../../support/many-accounts.js'
import { createAdmin, type Person } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const firstId = '00000000-0000-0000-0000-000000000000'
const size = 50_000

const names = ['Ada Lovelace', 'Grace Hopper', 'Ольга Иванова', 'محمد علي', 'שרה כהן', '田中', '王芳', 'Zoë Müller']
const odd = [
  '100% _ \\ "Real"',
  'AND NOT near(x) OR *',
  "O'Neill; drop table",
  '👩‍👩‍👧 Family',
  'padded:^ -x',
  'é\u0301É',
]

/** One name in a hundred is odd, and of these every fifth is at the end only. */
const accounts: readonly PlainAccount[] = Array.from({ length: size }, (_, n) => ({
  id: idOf(n * 2),
  email: `u${(Math.imul(n + 1, 2_654_435_761) >>> 0).toString(16)}@${n % 3 === 0 ? 'example.com' : 'mail.example'}`,
  name:
    n >= size - 600
      ? 'Late Arrival'
      : ((n % 100 === 0 ? odd[(n / 100) % odd.length] : names[n % names.length]) ?? null),
}))
const texts = accounts.map((account) => ({ id: account.id, text: searchTextOf(account) }))

/** The rule of a search, written without an index. */
function expected(search: string): readonly string[] {
  const exact = accounts.filter(({ email }) => email === search.trim().toLowerCase())
  if (exact.length > 0) return exact.map(({ id }) => id)
  const text = foldText(search.trim())
  const fits =
    [...text].length >= 3
      ? (stored: string) => stored.includes(text)
      : (stored: string) => stored.startsWith(text) || stored.includes(` ${text}`) || stored.includes(`\n${text}`)
  return texts.filter(({ text: stored }) => fits(stored)).map(({ id }) => id)
}

describe.each(databases)(`lists of ${size} accounts on %s`, (database) => {
  let running: TestServer
  let admin: Person

  beforeAll(async () => {
    running = await startServer({ database })
    admin = await createAdmin(running)
    await insertAccounts(running.server.service.store, accounts)
    // As autovacuum does in time: without statistics, a plan is a guess.
    await running.server.service.store.query('analyze')
  }, 120_000)
  afterAll(() => running.stop())

  const all = async (search: string, limit = 100, { service } = running.server) => {
    const found: string[] = []
    for (let after: string | undefined = firstId; after !== undefined; ) {
      const page: Awaited<ReturnType<typeof service.administration.list>> = await service.administration.list({
        search,
        after,
        limit,
      })
      found.push(...page.items.map(({ id }) => id))
      after = page.next
    }
    return found.filter((id) => id !== admin.id)
  }
  const address = (n: number) => accounts[n]?.email ?? ''

  it.each([
    ['an exact address', address(4711)],
    ['an address in another spelling', ` ${address(4712).toUpperCase()} `],
    ['a part of an address', address(4713).slice(1, 7)],
    ['a text that nothing contains', 'zqxjkv'],
    ['a text whose trigrams are all frequent', 'ample.comail'],
    ['a text that only the last accounts have', 'arrival'],
    ['two characters of a script without spaces', '田中'],
    ['one character', '王'],
    ['two letters within a word only', 'ce'],
    ['two letters at the beginning of a word', 'ho'],
    ['a text from right to left', 'محمد'],
    ['marks from right to left', '\u202eشرה\u202c'],
    ['another case and composition', 'ZOE\u0308 MU\u0308LLER'],
    ['wildcards', '100% _'],
    ['a wildcard alone', '%'],
    ['a backslash', '\\ "real'],
    ['quotes', '""""'],
    ['operators of FTS5', 'and not near(x) or *'],
    ['a column filter of FTS5', 'padded:^ -x'],
    ['a single quote', "o'neill; drop"],
    ['a family of one grapheme', '👩‍👩‍👧'],
    ['254 characters', 'example.com'.repeat(24).slice(0, 254)],
    ['254 quotes', '"'.repeat(254)],
  ])('finds exactly the accounts of %s', async (_what, search) => {
    const found = await all(search)
    expect(found.length).toBe(new Set(found).size)
    expect(found).toEqual(expected(search))
  })

  it('finds what a comparison of all texts finds, for any part of any text', async () => {
    const part = fc
      .tuple(fc.nat(size - 1), fc.nat(20), fc.integer({ min: 1, max: 9 }))
      .map(([n, from, length]) => [...(texts[n]?.text ?? '')].slice(from, from + length).join(''))
    const page = async (search: string) =>
      (await running.server.service.administration.list({ search, after: firstId, limit: 20 })).items
        .map(({ id }) => id)
        .filter((id) => id !== admin.id)
    await fc.assert(
      fc.asyncProperty(part, async (search) => {
        if (search.trim() === '') return
        const found = await page(search)
        expect(found).toEqual(expected(search).slice(0, found.length))
        if (found.length < 19) expect(await all(search)).toEqual(expected(search))
      }),
      { numRuns: 100 },
    )
  })

  it('refuses a text that no account can have, and finds nothing by it', async () => {
    for (const search of ['a\0b', 'a\ud800b', '\udfff']) expect(await all(search)).toEqual([])
    const { status, body } = await running.api.get('/v1/admin/users?search=a%00b', { token: admin.token })
    expect([status, body.code]).toEqual([400, 'text_malformed'])
  })

  it('returns each account once while others are created and deleted', async () => {
    const { store, administration } = running.server.service
    const found: string[] = []
    let after: string | undefined = firstId
    for (let page = 0; after !== undefined; page += 1) {
      const { items, next }: Awaited<ReturnType<typeof administration.list>> = await administration.list({
        search: 'arrival',
        after,
        limit: 25,
      })
      found.push(...items.map(({ id }) => id))
      after = next
      // One before the place of the page, and one after it.
      for (const n of [page * 2 + 1, 2 * (size - 1 - page) + 1]) {
        await insertAccounts(store, [{ id: idOf(n), email: `new${n}@example.org`, name: 'New Arrival' }])
      }
    }
    const early = expected('arrival')
    expect(found.length).toBe(new Set(found).size)
    expect(early.every((id) => found.includes(id))).toBe(true)
    const created = found.filter((id) => !early.includes(id))
    expect(created.length).toBeGreaterThan(0)
    await store.query("delete from server_accounts where name = 'New Arrival'")
    expect(await all('new arrival')).toEqual([])
    expect(await all('arrival')).toEqual(early)
  })

  it('reads no table from its beginning to its end', async () => {
    const { store, statements } = recording(running.server.service.store)
    const core = { store, clock: running.clock }
    for (const search of ['zqxjkv', 'arrival', 'example.com', 'ada', '田中', address(1)]) {
      await searchAccounts(core, { search, after: firstId, limit: 50 })
    }
    const filters: readonly AuditFilter[] = [
      {},
      { actor: idOf(1) },
      { address: '198.51.100.1' },
      { session: idOf(1) },
      { account: idOf(1) },
      { event: 'login' },
      { outcome: 'refused' },
    ]
    for (const filter of filters) await readAudit(core, { ...filter, before: undefined, limit: 50 })
    const plans = await Promise.all(statements.map((statement) => planOf(running.server.service.store, statement)))
    const scans = /Seq Scan on server_accounts|SCAN server_accounts(?! USING (COVERING )?INDEX server_accounts_without)/
    expect(plans.filter((plan) => scans.test(plan))).toEqual([])
    expect(
      plans.filter((plan) => /server_accounts_by_trigrams|server_search VIRTUAL TABLE/.test(plan)).length,
    ).toBeGreaterThan(1)
  })

  it('are filtered by the index of a small set, with and without a search, and by a walk without it', async () => {
    const { store } = running.server.service
    const rare = accounts.filter((_, n) => n % 1000 === 7)
    const places = rare.map((_, n) => `$${n + 1}`).join(', ')
    const ids = rare.map(({ id }) => id)
    const setDisabled = (at: number | null) =>
      store.query(`update server_accounts set disabled_at = ${at} where id in (${places})`, ids)
    await setDisabled(1)
    await store.query(database === 'postgres' ? 'analyze server_accounts (disabled_at)' : 'analyze')
    const { store: recorded, statements } = recording(store)
    const found = async (search: string): Promise<{ pages: number; ids: string[] }> => {
      const items: string[] = []
      let pages = 0
      for (let after: string | undefined = firstId; after !== undefined; pages += 1) {
        const core = { store: recorded, clock: running.clock }
        const page = await searchAccounts(core, { search, after, limit: 20, state: 'disabled' })
        items.push(...page.items.map(({ id }) => id))
        after = page.next
      }
      return { pages, ids: items }
    }
    const named = rare.filter(({ email }) => email.endsWith('example.com')).map(({ id }) => id)
    expect(await found('')).toEqual({ pages: Math.ceil(rare.length / 20), ids })
    expect((await found('example.com')).ids).toEqual(named)
    expect((await found('zqxjkv')).ids).toEqual([])
    const walks = statements.filter(([text]) => /^select .* from server_accounts where id > /s.test(text))
    const plans = await Promise.all(walks.map((statement) => planOf(store, statement)))
    expect(plans.filter((plan) => !plan.includes('server_accounts_disabled'))).toEqual([])
    if (database === 'postgres') {
      await store.query('drop index server_accounts_disabled')
      expect((await found('')).ids).toEqual(ids)
      await running.server.service.database.buildIndexes(new AbortController().signal)
    }
    await setDisabled(null)
  })

  it('are searched while the index is not built yet, in short pages, beside other work', async () => {
    const { store } = running.server.service
    await (database === 'postgres'
      ? store.query('drop index server_accounts_by_trigrams')
      : store.query("insert into server_search_progress (name, after) values ('accounts', '')"))
    let turns = 0
    let searching = true
    const counting = (async () => {
      for (; searching; turns += 1) await nextTurn()
    })()
    expect(await all('arrival')).toEqual(expected('arrival'))
    expect(await all('zqxjkv')).toEqual([])
    searching = false
    await counting
    expect(turns).toBeGreaterThan(10)

    const missing = await running.server.service.database.buildIndexes(new AbortController().signal)
    expect(missing).toEqual([])
    const { store: recorded, statements } = recording(store)
    await searchAccounts({ store: recorded, clock: running.clock }, { search: 'zqxjkv', after: firstId, limit: 50 })
    expect(statements.some(([text]) => text.includes('candidates'))).toBe(true)
    expect(await all('arrival')).toEqual(expected('arrival'))
  }, 120_000)

  it('returns each audit entry of several filters once, in short pages where few entries match', async () => {
    const { store, administration } = running.server.service
    const entries = Array.from({ length: 12_000 }, (_, n) => ({
      id: idOf(n),
      event: n % 3 === 0 ? 'login' : 'logout',
      outcome: n % 1000 === 0 || n < 30 ? 'refused' : 'done',
    }))
    const from =
      database === 'postgres'
        ? 'json_to_recordset($1::json) as r(id text, event text, outcome text)'
        : "(select value ->> 'id' as id, value ->> 'event' as event, value ->> 'outcome' as outcome from json_each($1)) as r"
    await store.query(
      `insert into server_audit (id, at, event, outcome, address, tag) select id, 1, event, outcome, '192.0.2.77', 'tag' from ${from}`,
      [JSON.stringify(entries)],
    )
    const found: string[] = []
    for (let before: string | undefined, first = true; first || before !== undefined; first = false) {
      const filter = { event: 'login', outcome: 'refused', address: '192.0.2.77' }
      const page: Awaited<ReturnType<typeof administration.readAudit>> = await administration.readAudit({
        ...filter,
        before,
        limit: 5,
      })
      expect(page.items.length).toBeLessThanOrEqual(5)
      found.push(...page.items.map(({ id }) => id))
      before = page.next
    }
    const matching = entries.filter(({ event, outcome }) => event === 'login' && outcome === 'refused')
    expect(found).toEqual(matching.map(({ id }) => id).toReversed())
  })

  it('are counted once a minute, with the time of the count', async () => {
    const read = async () => {
      const { body } = await running.api.get('/v1/admin/stats', { token: admin.token })
      return body as unknown as { readonly accounts: { readonly total: number }; readonly counted_at: string }
    }
    const first = await read()
    expect(first.accounts.total).toBe(size + 1)
    await insertAccounts(running.server.service.store, [
      { id: idOf(2 * size + 1), email: 'one@example.org', name: 'One More' },
    ])
    const second = await read()
    expect([second.accounts.total, second.counted_at]).toEqual([size + 1, first.counted_at])
    running.clock.advance(61_000)
    await read()
    await expect.poll(async () => (await read()).accounts.total).toBe(size + 2)
    expect(Date.parse((await read()).counted_at)).toBeGreaterThan(Date.parse(first.counted_at))
  })
})
