/** A value that CTAP2 encodes. */
export type CborValue = number | string | Uint8Array | ReadonlyMap<number | string, CborValue>

/** Returns the value in CBOR (RFC 8949 §3). Members keep their order. */
export function encodeCbor(value: CborValue): Buffer {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value)
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value])
  const members = [...value].flatMap(([name, member]) => [encodeCbor(name), encodeCbor(member)])
  return Buffer.concat([head(5, value.size), ...members])
}

function head(majorType: number, argument: number): Buffer {
  const type = majorType << 5
  if (argument < 24) return Buffer.from([type | argument])
  if (argument < 0x100) return Buffer.from([type | 24, argument])
  if (argument < 0x10000) return Buffer.from([type | 25, argument >> 8, argument & 0xff])
  const bytes = Buffer.alloc(5)
  bytes[0] = type | 26
  bytes.writeUInt32BE(argument, 1)
  return bytes
}
