import { Keyring } from 'latchkey'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { replaceAllKeys } from '../../../src/admin/replace-keys.js'
import { settleRestored } from '../../../src/admin/settle-restored.js'
import { operator } from '../../../src/audit/operator.js'
import { factorKeyring } from '../../../src/factors/totp.js'
import { lockAccounts } from '../../../src/sessions/account-lock.js'
import { holdLetters, lettersTo } from '../../support/letters.js'
import { createAdmin, login, type Person, register, registerVerified, tokenState } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'
import { addAuthenticator, firstStep, secondStep } from '../../support/totp-app.js'

const dayMs = 86_400_000
const resetSubject = 'The second factors of your account are removed'

const codeOf = ({ status, body }: { status: number; body: { code?: string } | undefined }) =>
  status < 300 ? status : body?.code

describe.each(databases)('a reset of the factors of an account on %s', (database) => {
  let running: TestServer
  let admin: Person

  beforeAll(async () => {
    running = await startServer({ database })
    admin = await createAdmin(running)
  })
  afterAll(() => running.stop())

  const reset = (id: string, token = admin.token, api = running.api) =>
    api.delete(`/v1/admin/users/${id}/factors`, { token })
  const eventsOf = async (id: string) =>
    (await running.api.get(`/v1/admin/audit?account=${id}`, { token: admin.token })).body.entries.map(
      ({ event, actor }) => [event, actor],
    )

  it('removes them, ends every session, and informs the owner', async () => {
    const person = await registerVerified(running)
    const { app } = await addAuthenticator(running, person)
    const first = await firstStep(running, person.email)
    const read = () => running.api.get(`/v1/admin/users/${person.id}`, { token: admin.token })
    expect((await read()).body.second_factor).toBe(true)
    const { status, body } = await reset(person.id)
    expect([status, body.second_factor]).toEqual([200, false])
    expect(await tokenState(running, person.token)).toBe('token_revoked')
    expect(codeOf(await secondStep(running, first, { code: app.nextCode() }))).toBe('challenge_invalid')
    const again = await login(running, person.email)
    expect((await running.api.get('/v1/me/factors', { token: again.token })).body).toEqual({
      factors: [],
      recovery_codes_left: 0,
      trusted_devices: [],
    })
    expect((await lettersTo(running, person.email)).map(({ subject }) => subject)).toContain(resetSubject)
    expect(await eventsOf(person.id)).toContainEqual(['factor_reset', admin.id])
    expect(codeOf(await reset(person.id))).toBe('factor_missing')
  })

  it('is for administrators, and neither for their own account nor for those of others', async () => {
    const person = await register(running)
    await addAuthenticator(running, person)
    expect(codeOf(await reset(person.id, person.token))).toBe('admin_required')
    expect(codeOf(await reset(admin.id))).toBe('own_account')
    const other = await createAdmin(running)
    await addAuthenticator(running, other)
    expect(codeOf(await reset(other.id))).toBe('administrator_protected')
    expect(codeOf(await reset('00000000-0000-7000-8000-000000000000'))).toBe('account_unknown')
    expect(codeOf(await firstStep(running, other.email))).toBe('second_factor_required')
    await running.server.service.factorResets.reset(operator, other.id)
    expect((await login(running, other.email)).id).toBe(other.id)
  })

  describe('with a delay', () => {
    let delaying: TestServer

    beforeAll(async () => {
      delaying = await running.startAnother({ configuration: { factorResetDelaySec: (2 * dayMs) / 1000 } })
    })
    afterAll(() => delaying.stop())

    /** Requests a reset as an administrator who has signed in by the clock of this server. */
    const resetLater = async (id: string) => {
      const { token } = await login(delaying, admin.email)
      return reset(id, token, delaying.api)
    }
    const requestReset = async () => {
      // By the clock of this server, so that it does not find the letter expired.
      const person = await registerVerified(delaying)
      const { app } = await addAuthenticator(delaying, person)
      const { status, body } = await resetLater(person.id)
      expect(status).toBe(200)
      return { person, app, due: Date.parse(body.factor_reset_at ?? '') }
    }
    const cancel = async (id: string) => {
      const { token } = await login(delaying, admin.email)
      return delaying.api.delete(`/v1/admin/users/${id}/factor-reset`, { token })
    }
    const applyDue = () => delaying.server.service.factorResets.applyDue()

    it('happens after the delay, and the owner is informed when it is asked for and when it happens', async () => {
      const { person, due } = await requestReset()
      expect(due - delaying.clock.now()).toBeGreaterThan(1.9 * dayMs)
      expect(await tokenState(delaying, person.token)).toBe(200)
      await applyDue()
      expect(codeOf(await firstStep(delaying, person.email))).toBe('second_factor_required')
      // Another request does not extend the delay.
      expect((await resetLater(person.id)).body.factor_reset_at).toBe(new Date(due).toISOString())
      delaying.clock.advance(2 * dayMs)
      await applyDue()
      expect((await login(delaying, person.email)).id).toBe(person.id)
      const subjects = (await lettersTo(delaying, person.email)).map(({ subject }) => subject)
      expect(subjects.filter((subject) => subject === resetSubject)).toHaveLength(2)
      const events = (await eventsOf(person.id)).map(([event]) => event)
      expect(events).toEqual(expect.arrayContaining(['factor_reset_request', 'factor_reset']))
    })

    it('is cancelled by a sign-in with a factor, and not by one with the password alone', async () => {
      const { person, app } = await requestReset()
      const first = await firstStep(delaying, person.email)
      expect(codeOf(await secondStep(delaying, first, { code: app.nextCode() }))).toBe(200)
      delaying.clock.advance(3 * dayMs)
      await applyDue()
      expect(codeOf(await firstStep(delaying, person.email))).toBe('second_factor_required')
      expect(await eventsOf(person.id)).toContainEqual(['factor_reset_cancel', person.id])
    })

    it('is cancelled by an administrator until it happens, and can be requested again', async () => {
      const { person } = await requestReset()
      delaying.clock.advance(2 * dayMs)
      const { status, body } = await cancel(person.id)
      expect([status, body.factor_reset_at, body.second_factor]).toEqual([200, null, true])
      await applyDue()
      const refreshed = await delaying.api.post('/v1/refresh', { body: { refresh_token: person.refreshToken } })
      expect(codeOf(refreshed)).toBe(200)
      expect(codeOf(await firstStep(delaying, person.email))).toBe('second_factor_required')
      expect(await eventsOf(person.id)).toContainEqual(['factor_reset_cancel', admin.id])
      const subjects = (await lettersTo(delaying, person.email)).map(({ subject }) => subject)
      expect(subjects.filter((subject) => subject === resetSubject)).toHaveLength(1)
      expect(codeOf(await cancel(person.id))).toBe('factor_reset_unknown')
      expect((await resetLater(person.id)).body.factor_reset_at).not.toBeNull()
    })

    it('ends without effect for an account that has become that of an administrator', async () => {
      const { person } = await requestReset()
      const { token } = await login(delaying, admin.email)
      const promotion = { token, body: { role: 'admin' } }
      expect((await delaying.api.patch(`/v1/admin/users/${person.id}`, promotion)).status).toBe(200)
      delaying.clock.advance(2 * dayMs)
      await applyDue()
      expect(codeOf(await firstStep(delaying, person.email))).toBe('second_factor_required')
      expect(await eventsOf(person.id)).toContainEqual(['factor_reset_cancel', null])
    })

    it('is not cancelled by its owner without a factor, nor for an account without a reset', async () => {
      const { person } = await requestReset()
      const other = await register(delaying)
      for (const { token } of [person, other]) {
        const refused = await delaying.api.delete(`/v1/admin/users/${person.id}/factor-reset`, { token })
        expect(codeOf(refused)).toBe('admin_required')
      }
      expect(codeOf(await cancel(other.id))).toBe('factor_reset_unknown')
      expect(codeOf(await cancel('00000000-0000-7000-8000-000000000000'))).toBe('account_unknown')
      delaying.clock.advance(2 * dayMs)
      await applyDue()
      expect(codeOf(await cancel(person.id))).toBe('factor_reset_unknown')
      expect((await login(delaying, person.email)).id).toBe(person.id)
    })
  })
})

describe('the cancellation of a reset and the job that applies it, which wait for the account on PostgreSQL,', () => {
  const delayMs = 60_000
  let running: TestServer
  let releaseLetters: () => void
  let admin: Person

  beforeAll(async () => {
    const configuration = { factorResetDelaySec: delayMs / 1000 }
    running = await startServer({ database: 'postgres', configuration })
    admin = await createAdmin(running)
    // A job that sends a letter waits for the account as well.
    releaseLetters = await holdLetters(running)
  })
  afterAll(async () => {
    releaseLetters()
    await running.stop()
  })

  /** Returns a reset that is due, and the steps that compete for it. */
  const dueReset = async () => {
    const { api, clock, server } = running
    const person = await register(running)
    await addAuthenticator(running, person)
    await api.delete(`/v1/admin/users/${person.id}/factors`, { token: admin.token })
    clock.advance(delayMs)
    return {
      person,
      cancel: () => api.delete(`/v1/admin/users/${person.id}/factor-reset`, { token: admin.token }),
      apply: () => server.service.factorResets.applyDue(),
    }
  }

  /** Starts two steps while the account is locked. They go ahead in this order. */
  const inOrder = async <A, B>(id: string, first: () => Promise<A>, second: () => Promise<B>) => {
    const { store } = running.server.service
    // Other jobs wait for locks too, such as that of the audit log.
    const blocked = `select pid from pg_stat_activity where datname = current_database()
      and wait_event_type = 'Lock' and query like '%server_accounts%'`
    const waiting = async () => (await store.query(blocked)).rows.length
    const steps = await store.transaction(async (client) => {
      await lockAccounts(client, [id])
      const firstStep = first()
      await expect.poll(waiting).toBe(1)
      const secondStep = second()
      await expect.poll(waiting).toBe(2)
      return { all: Promise.all([firstStep, secondStep]) }
    })
    return steps.all
  }

  it('leave the factors if the cancellation is first', async () => {
    const { person, cancel, apply } = await dueReset()
    const [cancelled] = await inOrder(person.id, cancel, apply)
    expect(codeOf(cancelled)).toBe(200)
    expect(codeOf(await firstStep(running, person.email))).toBe('second_factor_required')
  })

  it('remove them, and refuse the cancellation, if the job is first', async () => {
    const { person, cancel, apply } = await dueReset()
    const [, cancelled] = await inOrder(person.id, apply, cancel)
    expect(codeOf(cancelled)).toBe('factor_reset_unknown')
    expect((await login(running, person.email)).id).toBe(person.id)
  })
})

describe.each(databases)('a replacement of all keys on %s', (database) => {
  it('seals the secrets of authenticator apps again, and marks them as exposed', async () => {
    const running = await startServer({
      database,
      configuration: { maxStalenessMs: 500 },
    })
    const second = await running.startAnother()
    const { store, database: opened } = running.server.service
    const person = await register(running)
    const { app, recoveryCodes } = await addAuthenticator(running, person)
    const stored = async () => {
      const { rows } = await store.query<{ data: string }>('select data from server_factors where id = $1', [app.id])
      return { masterKeyId: 'factor', sealed: JSON.parse(rows[0]?.data ?? '').sealed as string }
    }
    const row = (await store.readSettings()).find(({ name }) => name === 'server:factor-key')
    if (row === undefined) throw new Error('There is no key of factors.')
    const stolen = factorKeyring(Keyring.parse(opened.masterKeys).open(row, ['setting', row.name]))
    expect(stolen.open(await stored(), ['totp', person.id, app.id])).toHaveLength(20)
    await replaceAllKeys(running.server.service, { signal: new AbortController().signal, onProgress: () => {} })
    const resealed = await stored()
    expect(() => stolen.open(resealed, ['totp', person.id, app.id])).toThrow()
    for (const server of [running, second]) {
      const first = await firstStep(server, person.email)
      running.clock.advance(30_000)
      second.clock.advance(30_000)
      expect(codeOf(await secondStep(server, first, { code: app.code() }))).toBe(200)
    }
    const first = await firstStep(second, person.email)
    const { status, body } = await secondStep(second, first, { recovery_code: recoveryCodes[0] ?? '' })
    expect(status).toBe(200)
    const { factors } = (await second.api.get('/v1/me/factors', { token: body.access_token })).body
    expect(factors).toMatchObject([{ id: app.id, exposed: true }])
    await second.stop()
    await running.stop()
  })
})

describe.each(databases)('a restored backup on %s', (database) => {
  it('keeps factors, and trusts no device', async () => {
    const running = await startServer({ database })
    const person = await register(running)
    const { app } = await addAuthenticator(running, person)
    const first = await firstStep(running, person.email)
    const { body } = await secondStep(running, first, { code: app.nextCode(), trust_device: true })
    const device = { token: body.device_token }
    expect(codeOf(await firstStep(running, person.email, device))).toBe(200)
    const signal = new AbortController().signal
    await settleRestored(running.server.service, { keepTokens: true, signal, onProgress: () => {} })
    const again = await firstStep(running, person.email, device)
    expect(codeOf(again)).toBe('second_factor_required')
    expect(codeOf(await secondStep(running, again, { code: app.nextCode() }, device))).toBe(200)
    await running.stop()
  })
})
