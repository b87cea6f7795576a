import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { foldText } from '../../../src/accounts/search-text.js'
import { createAdmin, type Person, password } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

describe.each(databases)('a search of accounts on %s', (database) => {
  let running: TestServer
  let admin: Person

  beforeAll(async () => {
    running = await startServer({ database })
    admin = await createAdmin(running)
  })
  afterAll(() => running.stop())

  const add = async (email: string, name?: string) => {
    const { status, body } = await running.api.post('/v1/register', { body: { email, name, password } })
    expect(status).toBe(201)
    return { id: body.account.id, token: body.access_token }
  }
  const find = async (text: string, { api } = running): Promise<string[]> => {
    const { body } = await api.get(`/v1/admin/users?search=${encodeURIComponent(text)}`, { token: admin.token })
    return body.users.map(({ name, email }) => name ?? email)
  }

  it('finds a name in every case, script and composition', async () => {
    const names = {
      'Émile Zola': ['émile', 'ÉMILE ZOLA', 'e\u0301MILE', ' Émile '],
      'Ольга Иванова': ['ольга', 'ИВАНОВА'],
      'ΟΔΥΣΣΕΥΣ Παπαδόπουλος': ['οδυσσευς', 'οδυσσευσ', 'ΠΑΠΑΔΌΠΟΥΛΟΣ', 'παπαδόπουλος'],
      'Anna Weiß': ['weiß', 'WEISS', 'weiss', 'WEIẞ'],
      'İpek Işık': ['ipek', 'İPEK', 'ışık', 'IŞIK'],
      'Ｆｕｌｌ Width': ['full', 'ＦＵＬＬ'],
      'Ｚoe\u0308 100% _ \\ Strange': ['zoë', '100% _ \\'],
    }
    for (const name of Object.keys(names)) await add(`${crypto.randomUUID()}@example.com`, name)
    for (const [name, texts] of Object.entries(names)) {
      for (const text of texts) expect([text, await find(text)]).toEqual([text, [name]])
    }
    expect(await find('%Zola%')).toEqual([])
  })

  it('finds an address as it was typed, as it is stored, and by a part of it', async () => {
    await add('Jörg@Müller.example')
    const kept = ['jörg@xn--mller-kva.example']
    const texts = ['Jörg@Müller.example', 'jörg@mu\u0308ller.EXAMPLE', 'müll', 'XN--MLLER', 'JÖRG@']
    for (const text of texts) expect([text, await find(text)]).toEqual([text, kept])
    expect(await find('jörg@muller.example')).toEqual([])
  })

  it('uses the newest name', async () => {
    const { token } = await add(`${crypto.randomUUID()}@example.com`, 'Øystein')
    const rename = (name: string | null) => running.api.patch('/v1/me', { token, body: { name } })
    await rename('Ærlig')
    expect([await find('øystein'), await find('ærlig')]).toEqual([[], ['Ærlig']])
    await rename(null)
    expect(await find('ærlig')).toEqual([])
  })

  it('finds accounts of servers of earlier versions, by all spellings once another server has started', async () => {
    const { id } = await add(`${crypto.randomUUID()}@example.com`, 'Łukasz Old')
    await running.server.service.store.query('update server_accounts set search_text = null where id = $1', [id])
    expect(await find('ASZ OLD')).toEqual(['Łukasz Old'])
    const another = await running.startAnother()
    await expect.poll(() => find('łUKASZ', another)).toEqual(['Łukasz Old'])
    await another.stop()
  })
})

describe('the spelling in which texts are compared', () => {
  it('is the same for a text in upper case, in lower case, composed and decomposed', () => {
    const letters = fc.string({ unit: fc.constantFrom(...'aÄéßẞſŉǅςΣσİIıiﬁΐᾳЯяԱևქშⱥȺ\u0301\u0307') })
    fc.assert(
      fc.property(letters, (text) => {
        const folded = foldText(text)
        const others = [text.normalize('NFD'), text.normalize('NFC'), text.toLowerCase(), folded]
        expect(others.map(foldText)).toEqual(others.map(() => folded))
      }),
      { numRuns: 5000, examples: [['İ\u0301'], ['i\u0307\u0307'], ['ı\u0307\u0301']] },
    )
  })
})
