import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { sharedSecret } from '../../../src/keys/shared-secret.js'
import { createLatchkey } from '../../../src/latchkey.js'
import { outcomeOf } from '../../support/setup.js'

describe('a deeply nested token, with a raised size limit', () => {
  it.each([33, 1000, 100_000])('is refused at %i levels with a code', async (levels) => {
    const secret = Buffer.alloc(32, 1)
    const latchkey = createLatchkey({
      issuer: 'https://issuer.test',
      audience: 'test',
      keys: sharedSecret({ secrets: [secret] }),
      maxTokenBytes: 1_048_576,
    })
    const [header, payload = ''] = (await latchkey.issue({ subject: 'alice' })).token.split('.')
    const claims = Buffer.from(payload, 'base64url').toString()
    const deep = `${claims.slice(0, -1)},"deep":${'['.repeat(levels)}${']'.repeat(levels)}}`
    const input = `${header}.${Buffer.from(deep).toString('base64url')}`
    const forged = `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
    expect(await outcomeOf(() => latchkey.verify(forged))).toBe('token_malformed')
  })
})
