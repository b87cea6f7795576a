import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { failures, refusal } from '../../src/errors.js'

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
const subpaths = Object.keys(manifest.exports).filter((path) => path !== './package.json')
const nameOf = (path: string) => `latchkey${path.slice(1)}`

describe('the published package', () => {
  it('has no runtime dependency', () => {
    expect(manifest.dependencies).toBeUndefined()
    for (const peer of Object.keys(manifest.peerDependencies)) {
      expect(manifest.peerDependenciesMeta[peer]).toEqual({ optional: true })
    }
  })

  it.each(subpaths)('can be imported and required as %s', async (path) => {
    const imported = await import(nameOf(path))
    const required = createRequire(import.meta.url)(nameOf(path))
    expect(Object.keys(imported).length).toBeGreaterThan(0)
    expect(Object.keys(required).sort()).toEqual(expect.arrayContaining(Object.keys(imported)))
  })
})

describe('the registry of failures', () => {
  it('matches the documentation', () => {
    const page = readFileSync(new URL('../../../../docs/reference/errors.md', import.meta.url), 'utf8')
    const documented = [...page.matchAll(/^\| `(\w+)` \| (\d+) \| (.+?) \| (.+?) \|$/gm)].map(
      ([, code, status, message, hint]) => [code, { status: Number(status), message, hint }],
    )
    const registered = Object.entries(failures).map(([code, { status, message, hint }]) => [
      code,
      { status, message, hint },
    ])
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(registered))
  })

  it('sets a challenge for every 401, and for other statuses only that of RFC 6750 §3', () => {
    for (const [code, failure] of Object.entries(failures)) {
      const challenge = 'challenge' in failure ? failure.challenge : undefined
      if (failure.status === 401) expect(challenge, code).not.toBeUndefined()
      if (challenge === undefined) expect(failure.status, code).not.toBe(401)
    }
    expect(refusal('credentials_missing').headers).toEqual({ 'WWW-Authenticate': 'Bearer' })
    expect(refusal('token_expired').headers['WWW-Authenticate']).toMatch(/^Bearer error="invalid_token"/)
    expect(refusal('tenant_unknown').headers).toEqual({})
    expect(refusal('store_unavailable').headers).toEqual({ 'Retry-After': '1' })
    expect(refusal('store_unavailable', { retryAfterSec: 7 }).headers).toEqual({ 'Retry-After': '7' })
  })

  it('creates refusals without a stack, and leaves the stacks of other errors', () => {
    expect(refusal('token_expired').stack).not.toMatch(/\n\s+at /)
    expect(new Error('other').stack).toMatch(/\n\s+at /)
  })
})
