import { randomBytes } from 'node:crypto'

/**
 * Returns a UUID of version 7 (RFC 9562 §5.7): 48 bits of milliseconds, then 74 random bits. IDs of
 * different milliseconds sort by age, so that lists need no other sort key.
 */
export function uuidV7(nowMs: number): string {
  const bytes = randomBytes(16)
  bytes.writeUIntBE(nowMs, 0, 6)
  bytes[6] = 0x70 | (bytes.readUInt8(6) & 0x0f)
  bytes[8] = 0x80 | (bytes.readUInt8(8) & 0x3f)
  return formatUuid(bytes)
}

/**
 * Returns the smallest ID of a millisecond: it sorts before every `uuidV7` of this millisecond or a
 * later one, and after all earlier ones.
 */
export function uuidV7Floor(ms: number): string {
  const bytes = Buffer.alloc(16)
  bytes.writeUIntBE(ms, 0, 6)
  return formatUuid(bytes)
}

/** Returns the text form of 16 bytes. */
function formatUuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
