import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Binding, Keyring } from '../../../src/sealing/keyring.js'

const entry = Keyring.generate('2026-01')
const keyring = Keyring.parse(entry)
const binding: Binding = ['tenant-secret', 'alice', 'kid', 1, 'HS256']

describe('a sealed secret', () => {
  it('opens to the same bytes in its own place', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (plaintext) => {
        const sealed = keyring.seal(plaintext, binding)
        expect(new Uint8Array(keyring.open(sealed, binding))).toEqual(plaintext)
      }),
    )
  })

  it('does not open in any other place, also in one whose parts concatenate to the same text', () => {
    const sealed = keyring.seal(Buffer.from('secret'), ['purpose', 'ab', 'c'])
    for (const other of [
      ['purpose', 'a', 'bc'],
      ['purpose', 'abc'],
      ['purposea', 'b', 'c'],
      ['purpose', 'ab', 'c', ''],
    ]) {
      expect(() => keyring.open(sealed, other as unknown as Binding)).toThrow(
        expect.objectContaining({ code: 'master_key_wrong' }),
      )
    }
  })

  it('does not open when any byte was changed or cut', () => {
    const sealed = keyring.seal(Buffer.from('a secret of some bytes'), binding)
    const bytes = Buffer.from(sealed.sealed, 'base64url')
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes)
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
      for (const damaged of [changed, bytes.subarray(0, at)]) {
        expect(() => keyring.open({ ...sealed, sealed: damaged.toString('base64url') }, binding)).toThrow(
          expect.objectContaining({ code: 'master_key_wrong' }),
        )
      }
    }
  })

  it('never has the same ciphertext twice', () => {
    const sealed = Array.from({ length: 100 }, () => keyring.seal(Buffer.from('same'), binding).sealed)
    expect(new Set(sealed).size).toBe(100)
  })
})

describe('a ring of master keys', () => {
  const newest = Keyring.generate('2026-02')

  it('seals with the first key and opens with all of them, so that a new one can be added before old rows are moved', () => {
    const sealed = keyring.seal(Buffer.from('secret'), binding)
    const ring = Keyring.parse(`${newest},${entry}`)
    expect(ring.open(sealed, binding).toString()).toBe('secret')
    const moved = ring.reseal(sealed, binding)
    expect(moved.masterKeyId).toBe('2026-02')
    expect(Keyring.parse(newest).open(moved, binding).toString()).toBe('secret')
  })

  it('names the key that is missing, and the key that has changed', () => {
    const sealed = keyring.seal(Buffer.from('secret'), binding)
    expect(() => Keyring.parse(newest).open(sealed, binding)).toThrow(
      expect.objectContaining({ code: 'master_key_missing' }),
    )
    const sameName = Keyring.parse(Keyring.generate('2026-01'))
    expect(() => sameName.open(sealed, binding)).toThrow(expect.objectContaining({ code: 'master_key_wrong' }))
  })

  it('shows its IDs and never its bytes', () => {
    const secret = entry.slice(entry.indexOf(':') + 1)
    expect(inspect(keyring, { depth: 10, showHidden: true })).toContain('2026-01')
    expect(inspect(keyring, { depth: 10, showHidden: true })).not.toContain(secret.slice(0, 8))
    expect(JSON.stringify(keyring)).not.toContain(secret.slice(0, 8))
  })

  it.each([
    ['nothing', ''],
    ['no colon', 'abc'],
    ['a short key', 'a:AAAA'],
    ['an empty ID', `:${'A'.repeat(43)}`],
    ['an ID with a space', `a b:${'A'.repeat(43)}`],
    ['padding', `a:${'A'.repeat(43)}=`],
    ['unused bits that are set', `a:${'A'.repeat(42)}B`],
    ['the same ID twice', `a:${'A'.repeat(43)},a:${'A'.repeat(43)}`],
    ['a trailing comma', `a:${'A'.repeat(43)},`],
  ])('refuses %s without showing it', (_, text) => {
    expect(() => Keyring.parse(text)).toThrow(TypeError)
    expect(() => Keyring.parse(text)).not.toThrow(/AAAA/)
  })
})
