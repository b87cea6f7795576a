import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAdmin, type Person, register, tokenState } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

interface Report {
  readonly verifiers: number
  readonly acknowledged: number
  readonly elapsed_ms: number
  readonly processes: readonly { readonly id: string; readonly acknowledged_ms: number | null }[]
}

const silentMs = 400

describe.each(databases)('the acknowledgements of a change on %s', (database) => {
  let first: TestServer
  let second: TestServer
  let admin: Person

  beforeAll(async () => {
    first = await startServer({ database, configuration: { maxStalenessMs: 2000 } })
    second = await first.startAnother()
    admin = await createAdmin(first)
  })
  afterAll(async () => {
    await second.stop()
    await first.stop()
  })

  const propagate = async (): Promise<Report> => {
    const { status, body } = await first.api.post('/v1/admin/propagation', { token: admin.token })
    expect(status).toBe(200)
    return body as unknown as Report
  }

  it('are those of every running process, which then refuses what has ended', async () => {
    const person = await register(first)
    expect(await tokenState(second, person.token)).toBe(200)
    await first.api.post(`/v1/admin/users/${person.id}/revoke`, { token: admin.token })
    const report = await propagate()
    expect(await tokenState(second, person.token)).toBe('token_revoked')
    expect(report).toMatchObject({ verifiers: 2, acknowledged: 2 })
    expect(new Set(report.processes.map(({ id }) => id)).size).toBe(2)
    for (const { acknowledged_ms: ms } of report.processes) expect(ms).toBeGreaterThan(0)
    expect(Math.max(...report.processes.map(({ acknowledged_ms: ms }) => ms ?? 0))).toBeLessThanOrEqual(
      report.elapsed_ms,
    )
  })

  it('name a process that has stopped without one, once its max staleness has passed', async () => {
    const { store } = first.server.service
    await store.renewLease({ id: 'crashed', maxStalenessMs: silentMs }, 60_000)
    const report = await propagate()
    expect(report).toMatchObject({ verifiers: 3, acknowledged: 2 })
    expect(report.processes).toContainEqual({ id: 'crashed', acknowledged_ms: null })
    expect(report.elapsed_ms).toBeGreaterThanOrEqual(silentMs)
    await store.releaseLease('crashed')
    expect(await propagate()).toMatchObject({ verifiers: 2, acknowledged: 2 })
  })
})
