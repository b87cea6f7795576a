import { expect, it } from 'vitest'
import { crc32c } from '../../../src/database/master-keys/crc32c.js'

it.each<[string, Uint8Array, number]>([
  ['nothing', new Uint8Array(0), 0],
  ['the digits', Buffer.from('123456789'), 0xe3069283],
  // RFC 3720 appendix B.4.
  ['32 bytes of zeroes', new Uint8Array(32), 0x8a9136aa],
  ['32 bytes of ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['32 bytes counting up', Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
])('CRC-32C of %s is the published one', (_what, bytes, sum) => {
  expect(crc32c(bytes)).toBe(sum)
})
