import { describe, expect, it } from 'vitest'
import type { Auth } from '../../../src/auth.js'
import { refusal } from '../../../src/errors.js'
import { type AuthCheck, passChecks } from '../../../src/http/auth-checks.js'
import { requireRole } from '../../../src/http/require-role.js'

const editor = { grants: { roles: ['editor'], scope: '' } } as unknown as Auth
const refuse = () => {
  throw refusal('insufficient_role')
}

describe('the checks of an identity', () => {
  it('must all pass, and a guest passes none', () => {
    expect(passChecks(editor, [])).toBe(editor)
    expect(passChecks(editor, [requireRole('editor')])).toBe(editor)
    expect(() => passChecks(editor, [requireRole('editor'), requireRole('admin')])).toThrow('role')
    expect(() => passChecks(undefined, [])).toThrow('no access token')
  })

  it('are refused if they are asynchronous, because nothing would wait for their refusal', async () => {
    const unhandled: unknown[] = []
    const listener = (reason: unknown) => void unhandled.push(reason)
    process.on('unhandledRejection', listener)
    for (const check of [async () => refuse(), async () => editor]) {
      expect(() => passChecks(editor, [check as unknown as AuthCheck])).toThrow(TypeError)
    }
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', listener)
    expect(unhandled).toEqual([])
  })
})
