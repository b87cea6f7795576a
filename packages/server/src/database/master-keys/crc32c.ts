/** The reversed polynomial of CRC-32C (Castagnoli). */
const polynomial = 0x82f63b78

/**
 * Returns the CRC-32C (RFC 3720 appendix B.4) as an unsigned number. Computed bit by bit, because
 * it covers only a few hundred bytes at each start.
 */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
  }
  return ~crc >>> 0
}
