import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { outcomeOf } from '../../support/beside-server.js'
import { Command } from '../../support/command.js'

const id = '0198c0de-0000-7000-8000-000000000000'

describe('on a machine without data, latchkey', () => {
  let folder: string
  const run = (args: readonly string[], input = '') =>
    new Command(args, { LATCHKEY_DATA_DIR: join(folder, 'data') }, input).finished

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-fresh-'))
    return () => rmSync(folder, { recursive: true, force: true })
  })

  it.each([
    ['users', 'list'],
    ['users', 'list', '--json'],
    ['users', 'enable', id],
    ['users', 'verify', id],
    ['users', 'disable', id, '--yes'],
    ['users', 'delete', id, '--yes'],
    ['users', 'reset-link', id],
    ['clients', 'list'],
    ['clients', 'rotate', id],
    ['sessions', 'list', id],
    ['sessions', 'end', id, '--yes'],
    ['secrets', 'list', id],
    ['secrets', 'rotate', id],
    ['secrets', 'rotate-all'],
    ['secrets', 'revoke', id, '--yes'],
    ['secrets', 'rewrap'],
    ['keys', 'list'],
    ['keys', 'rotate'],
    ['keys', 'replace', '--yes'],
    ['master-keys', 'list'],
    ['token', 'inspect'],
    ['audit', 'tail'],
    ['audit', 'verify'],
    ['audit', 'export'],
    ['backup', 'record'],
  ])('%s %s %s prints how to begin, and creates nothing', async (...args) => {
    const finished = await run(args)
    expect(outcomeOf(finished)).toEqual([1, 'data_missing'])
    expect(finished.stderr).toContain('latchkey serve')
    expect(finished.stdout).toBe('')
    expect(existsSync(join(folder, 'data'))).toBe(false)
  })

  it('doctor and backup create do not create anything', async () => {
    expect((await run(['doctor'])).code).toBe(0)
    expect(outcomeOf(await run(['backup', 'create', join(folder, 'copy')]))).toEqual([2, 'command_refused'])
    expect(existsSync(join(folder, 'data'))).toBe(false)
  })

  it('prints to standard error that a list is empty', async () => {
    await run(['migrate'])
    const [users, clients, keys] = [
      await run(['users', 'list']),
      await run(['clients', 'list']),
      await run(['keys', 'list']),
    ]
    for (const { code, stdout } of [users, clients, keys]) expect([code, stdout]).toEqual([0, ''])
    expect(users.stderr).toContain('latchkey users create')
    expect(clients.stderr).toContain('latchkey clients create')
    expect(keys.stderr).toContain('latchkey keys rotate')
    expect(await run(['users', 'list', '--json'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect((await run(['users', 'list', '--search', 'ada'])).stderr).toContain('"ada"')
  })

  it('users create and clients create start a new folder', async () => {
    expect((await run(['users', 'create', 'ada@example.com'])).code).toBe(0)
    expect((await run(['clients', 'create', 'report'])).code).toBe(0)
    expect((await run(['users', 'list'])).stdout).toContain('ada@example.com')
  })

  it('prints its version', async () => {
    expect((await run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})
