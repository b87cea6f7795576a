import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalEmail } from '../../../src/accounts/email-address.js'
import { isProblem } from '../../../src/problem.js'

describe('the canonical spelling of an e-mail address', () => {
  it.each([
    ['Ada@Example.COM', 'ada@example.com'],
    ['  ada@example.com\n', 'ada@example.com'],
    ['ada+tag@example.com', 'ada+tag@example.com'],
    ["o'hara@example.com", "o'hara@example.com"],
    ['ada@bücher.example', 'ada@xn--bcher-kva.example'],
    ['ada@BÜCHER.example', 'ada@xn--bcher-kva.example'],
    ['ada@xn--bcher-kva.example', 'ada@xn--bcher-kva.example'],
    ['jose\u0301@example.com', 'jos\u00e9@example.com'],
    ['JOS\u00c9@example.com', 'jos\u00e9@example.com'],
    ['root@localhost', 'root@localhost'],
    ['ａda@ｅxample.com', 'ａda@example.com'],
  ])('of %j is %j', (text, canonical) => {
    expect(canonicalEmail(text)).toBe(canonical)
  })

  it.each([
    '',
    '@',
    'ada',
    'ada@',
    '@example.com',
    'ada@@example.com',
    'ada@a@example.com',
    'ada lovelace@example.com',
    '.ada@example.com',
    'ada.@example.com',
    'a..b@example.com',
    '"ada"@example.com',
    'ada@example..com',
    'ada@-example.com',
    'ada@example.com.',
    'ada@127.0.0.1',
    'ada@0x7f.1',
    'ada@[127.0.0.1]',
    'ada@exa%6dple.com',
    'ada@example.com/x',
    'ada@exam\u200bple.com',
    'ad\u200ba@example.com',
    'ad\0a@example.com',
    'ad\ud800a@example.com',
    'ada@xn--a.example',
    'ada@xn--.example',
    'ada@xn--example-.com',
    'ada@xn--bcher-kva.xn--a.example',
    'ada@bücher.xn--a.example',
    `${'a'.repeat(65)}@example.com`,
    `${'ä'.repeat(33)}@example.com`,
    `a@${'b'.repeat(64)}.com`,
    `a@${'b.'.repeat(130)}com`,
  ])('does not exist for %j', (text) => {
    expect(() => canonicalEmail(text)).toThrow(expect.objectContaining({ code: 'email_invalid' }))
  })

  it('is its own canonical spelling, and every text either has one or is refused', () => {
    const part = fc.string({ unit: 'binary', maxLength: 12 })
    const text = fc.oneof(
      fc.tuple(part, part).map(([local, domain]) => `${local}@${domain}.com`),
      fc.emailAddress(),
      part,
    )
    fc.assert(
      fc.property(text, (input) => {
        let canonical: string
        try {
          canonical = canonicalEmail(input)
        } catch (error) {
          expect(isProblem(error)).toBe(true)
          return
        }
        expect(canonicalEmail(canonical)).toBe(canonical)
        expect(canonicalEmail(` ${input} `)).toBe(canonical)
        expect(canonical.length).toBeLessThanOrEqual(254)
        expect(canonical.split('@')).toHaveLength(2)
      }),
      { numRuns: 2000 },
    )
  })
})
