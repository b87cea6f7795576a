import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseClientCredentials } from '../../../src/clients/client-credentials.js'
import { findSecretHash, hashClientSecret, newClientSecret } from '../../../src/clients/client-secret.js'
import { isProblem } from '../../../src/problem.js'

const encode = (text: string) => new URLSearchParams({ '': text }).toString().slice(1)
const header = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
const wellFormed = fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed())

describe('client credentials', () => {
  it('are parsed from a Basic header unchanged, whatever their characters', () => {
    fc.assert(
      fc.property(wellFormed, wellFormed, (clientId, secret) => {
        const authorization = [header(`${encode(clientId)}:${encode(secret)}`)]
        expect(parseClientCredentials({ authorization, form: {} })).toEqual({ clientId, secret })
      }),
    )
  })

  it('are form-urlencoded: a plus is a space, and an encoded colon belongs to the ID', () => {
    const parse = (text: string) => parseClientCredentials({ authorization: [header(text)], form: {} })
    expect(parse('a%3Ab+c:d%2B:e')).toEqual({ clientId: 'a:b c', secret: 'd+:e' })
    expect(parse('a:')).toEqual({ clientId: 'a', secret: '' })
  })

  it('are accepted or refused with a code, whatever the header contains', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 2 }), (authorization) => {
        try {
          parseClientCredentials({ authorization, form: {} })
        } catch (error) {
          expect(isProblem(error)).toBe(true)
        }
      }),
    )
  })

  it('are ambiguous in two headers, even if both are the same', () => {
    const authorization = [header('a:b'), header('a:b')]
    expect(() => parseClientCredentials({ authorization, form: {} })).toThrow(
      expect.objectContaining({ code: 'client_ambiguous' }),
    )
  })

  it('match any of the stored hashes', () => {
    const [older, newer] = [newClientSecret(), newClientSecret()]
    const hashes = [hashClientSecret(older), hashClientSecret(newer)]
    expect(findSecretHash(older, hashes)).toBe(hashes[0])
    expect(findSecretHash(newer, hashes)).toBe(hashes[1])
    expect(findSecretHash(newClientSecret(), hashes)).toBeUndefined()
    expect(findSecretHash('', [])).toBeUndefined()
  })
})
