import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { parseRefreshToken } from 'latchkey/sessions'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type ModelClient,
  RefreshModel,
  type RefreshStep,
  refreshSteps,
} from '../../../../latchkey/test/support/refresh-model.js'
import { findSession, type Session } from '../../../src/sessions/session-table.js'
import { register } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const deviceToken = 'd'.repeat(43)
const binding = createHash('sha256').update(deviceToken).digest('base64url')

/** A client of the model, and the same client at the servers. */
interface Party {
  client: ModelClient
  held: string | undefined
}

describe.each(databases)('the refresh tokens of two servers on %s', (database) => {
  let first: TestServer
  let second: TestServer
  let accountId: string

  beforeAll(async () => {
    first = await startServer({ database })
    // Both servers share one clock, because the model has only one.
    second = await first.startAnother({ parts: { clock: first.clock } })
    accountId = (await register(first)).id
  })
  afterAll(async () => {
    await second.stop()
    await first.stop()
  })

  const open = async (userAgent: string, address: string) => {
    const { sessions, store } = first.server.service
    const session = await store.transaction((client) =>
      sessions.open(client, accountId, { origin: { userAgent, address }, methods: ['pwd'] }),
    )
    return { session, token: (await sessions.tokensFor(session)).refreshToken }
  }

  const refresh = async ({ server }: TestServer, token: string, { userAgent, network, device }: ModelClient) => {
    try {
      const origin = { userAgent, address: network }
      const shown = device === null ? undefined : deviceToken
      return (await server.service.sessions.refresh(token, origin, shown)).refreshToken
    } catch (error) {
      return (error as { code: string }).code
    }
  }

  const run = async (steps: readonly RefreshStep[], devices: { owner: boolean; thief: boolean }) => {
    const clientOf = (bound: boolean) => ({ device: bound ? binding : null, userAgent: 'app/1', network: '192.0.2.1' })
    const { session, token } = await open('app/1', '192.0.2.1')
    const parties: Record<'owner' | 'thief', Party> = {
      owner: { client: clientOf(devices.owner), held: token },
      thief: { client: clientOf(devices.thief), held: undefined },
    }
    const model = new RefreshModel(parties.owner.client, first.clock.now())
    for (const [index, step] of steps.entries()) {
      if (step.kind === 'wait') first.clock.advance(Math.abs(step.ms))
      else if (step.kind === 'steal') parties.thief.held = parties.owner.held
      else if (step.kind === 'move') parties[step.by].client = { ...parties[step.by].client, network: step.network }
      else await present(model, parties[step.by], { server: index % 2 === 0 ? first : second, lost: step.lost })
    }
    const stored = await findSession(first.server.service.store, session.id)
    expect(stored && summaryOf(stored)).toEqual(summaryOfModel(model))
  }

  const present = async (
    model: RefreshModel,
    party: Party,
    { server, lost }: { server: TestServer; lost: boolean },
  ) => {
    if (party.held === undefined) return
    const counter = parseRefreshToken(party.held)?.counter ?? 0
    const expected = model.present(counter, party.client, first.clock.now())
    const answer = await refresh(server, party.held, party.client)
    const successor = parseRefreshToken(answer)?.counter
    const code = expected.verdict === 'ended' ? 'session_ended' : 'refresh_token_reused'
    expect(successor ?? answer).toBe(expected.successor ?? code)
    if (successor !== undefined && !lost) party.held = answer
  }

  it('behave as the model, step by step', async () => {
    const devices = fc.record({ owner: fc.boolean(), thief: fc.boolean() })
    await fc.assert(fc.asyncProperty(refreshSteps, devices, run), { numRuns: 40, endOnFailure: true })
  })

  it('return the same successor to all clients that present a token at the same moment', async () => {
    const { session, token } = await open('app/1', '192.0.2.1')
    const client = { device: null, userAgent: 'app/1', network: '192.0.2.1' }
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) => refresh(n % 2 === 0 ? first : second, token, client)),
    )
    expect(new Set(answers.map((answer) => parseRefreshToken(answer)?.counter))).toEqual(new Set([2]))
    const stored = await findSession(first.server.service.store, session.id)
    expect(stored && summaryOf(stored)).toMatchObject({ counter: 2, forks: 0, graceUses: 11, ended: false })
  })

  it('process replaced tokens from two networks one after the other, and keep one line of successors', async () => {
    const { session, token } = await open('app/1', '192.0.2.1')
    const client = { device: null, userAgent: 'app/1', network: '192.0.2.1' }
    await refresh(first, token, client)
    const away = { ...client, network: '198.51.100.1' }
    const answers = await Promise.all([refresh(first, token, client), refresh(second, token, away)])
    const counters = answers.map((answer) => parseRefreshToken(answer)?.counter)
    const { counter } = (await findSession(first.server.service.store, session.id)) ?? {}
    expect(counters).toContain(counter)
    const current = answers[counters.indexOf(counter)] ?? ''
    expect(parseRefreshToken(await refresh(first, current, client))?.counter).toBe((counter ?? 0) + 1)
  })
})

function summaryOf({ counter, forks, repeatedRun, graceUses, endedAt, device }: Session) {
  return { counter, forks, repeatedRun, graceUses, ended: endedAt !== null, device }
}

function summaryOfModel({ state: { counter, forks, repeatedRun, device }, graceUses, ended }: RefreshModel) {
  return { counter, forks, repeatedRun, graceUses, ended, device }
}
