import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { besideServer, outcomeOf } from '../../support/beside-server.js'
import { Command } from '../../support/command.js'
import { type Person, register, tokenState } from '../../support/people.js'
import { databases } from '../../support/start-server.js'

describe.each(databases)('beside a running server on %s, latchkey', (database) => {
  const beside = besideServer(database)

  it('secrets revoke ends the secrets of one account, or of all', async () => {
    const [one, other] = [await register(beside.running), await register(beside.running)]
    expect((await beside.run('secrets', 'revoke', one.email, '--yes')).code).toBe(0)
    expect([await beside.laterState(one.token), await tokenState(beside.running, other.token)]).toEqual([
      'token_revoked',
      200,
    ])
    const refused = await Promise.all([
      beside.run('secrets', 'revoke', '--yes'),
      beside.run('secrets', 'revoke', '--everyone'),
    ])
    expect(refused.map(outcomeOf)).toEqual([
      [2, 'command_refused'],
      [2, 'command_refused'],
    ])
    const { stdout } = await beside.run('secrets', 'revoke', '--everyone', '--yes', '--json')
    expect(JSON.parse(stdout).revoked).toBeGreaterThanOrEqual(2)
    expect(await beside.laterState(other.token)).toBe('token_revoked')
    const { body } = await beside.running.api.post('/v1/refresh', { body: { refresh_token: other.refreshToken } })
    expect(body.code).toBe('session_ended')
    // A revoked account has no older secret, so a repeated run has nothing left to do.
    const again = await beside.run('secrets', 'revoke', '--everyone', '--yes', '--json', '--made-before', '2026-01-01')
    expect(JSON.parse(again.stdout)).toEqual({ revoked: 0, made_before: '2026-01-01T00:00:00.000Z' })
  })

  it('secrets rotate-all stops on SIGINT, prints how to continue, and continues from there', async () => {
    const people: Person[] = []
    for (let count = 0; count < 4; count += 1) people.push(await register(beside.running))
    const olderThan = new Date(Date.now() + 1).toISOString()
    const generations = async () => {
      const described = await Promise.all(people.map(({ id }) => beside.running.server.service.keys.describe(id)))
      return described.map((tenant) => tenant?.secrets.length)
    }
    const slow = beside.start(['secrets', 'rotate-all', '--older-than', olderThan, '--rate', '60'])
    while ((await generations()).every((count) => count === 1)) await sleep(20)
    const stopped = await slow.stop('SIGINT')
    expect(outcomeOf(stopped)).toEqual([130, 'interrupted'])
    const [, rest] = /To go on: latchkey (.*)/.exec(stopped.stderr) ?? []
    expect(await generations()).toContain(1)
    expect((await beside.run(...(rest ?? '').trim().split(' '))).code).toBe(0)
    expect(await generations()).toEqual([2, 2, 2, 2])
    expect(await beside.laterState(people[0]?.token ?? '')).toBe(200)
  })

  it('secrets rewrap moves all data to the newest master key, after which the old one is not needed', async () => {
    const person = await register(beside.running)
    const ringOf = (stdout: string) => stdout.trim().replaceAll('\n', ',')
    const both = ringOf((await beside.run('master-keys', 'add', 'k2')).stdout)
    const promote = new Command(['master-keys', 'promote', 'k2'], {
      ...beside.deployment.env,
      LATCHKEY_MASTER_KEYS: both,
    })
    const next = ringOf((await promote.finished).stdout)
    const rewrap = new Command(['secrets', 'rewrap', '--json'], {
      ...beside.deployment.env,
      LATCHKEY_MASTER_KEYS: next,
    })
    const { code, stdout } = await rewrap.finished
    expect([code, JSON.parse(stdout).master_key_id]).toEqual([0, 'k2'])
    expect(JSON.parse(stdout).moved).toBeGreaterThan(1)
    const newest = next.split(',')[0] ?? ''
    const alone = new Command(
      ['token', 'inspect'],
      { ...beside.deployment.env, LATCHKEY_MASTER_KEYS: newest },
      person.token,
    )
    expect((await alone.finished).code).toBe(0)
  })
})
