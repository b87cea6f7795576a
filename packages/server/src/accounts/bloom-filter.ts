import { createHash } from 'node:crypto'

const magic = 'LATCHKEY-BLOOM-1'
const headerBytes = magic.length + 8

/**
 * A Bloom filter: contains every member, and about one in 2^hashes other texts.
 *
 * Layout: magic[16] ‖ number of bits[4, big endian] ‖ number of hashes[4] ‖ bits.
 */
export class BloomFilter {
  readonly #bits: Uint8Array
  readonly #size: number
  readonly #hashes: number

  private constructor(bits: Uint8Array, { size, hashes }: { readonly size: number; readonly hashes: number }) {
    this.#bits = bits
    this.#size = size
    this.#hashes = hashes
  }

  /** Returns the filter of these texts. */
  static of(texts: readonly string[], hashes: number): BloomFilter {
    const size = Math.max(8, Math.ceil((texts.length * hashes) / Math.LN2))
    const filter = new BloomFilter(new Uint8Array(Math.ceil(size / 8)), { size, hashes })
    for (const text of texts) {
      for (const bit of filter.#bitsOf(text)) filter.#bits[bit >> 3] = (filter.#bits[bit >> 3] ?? 0) | (1 << (bit & 7))
    }
    return filter
  }

  /** Parses the output of `toBytes`. Throws a TypeError for any other input. */
  static parse(bytes: Buffer): BloomFilter {
    const genuine = bytes.length > headerBytes && bytes.toString('latin1', 0, magic.length) === magic
    const size = genuine ? bytes.readUInt32BE(magic.length) : 0
    if (!genuine || bytes.length !== headerBytes + Math.ceil(size / 8))
      throw new TypeError('The bytes are not a Bloom filter.')
    return new BloomFilter(bytes.subarray(headerBytes), { size, hashes: bytes.readUInt32BE(magic.length + 4) })
  }

  toBytes(): Buffer {
    const header = Buffer.alloc(headerBytes)
    header.write(magic, 'latin1')
    header.writeUInt32BE(this.#size, magic.length)
    header.writeUInt32BE(this.#hashes, magic.length + 4)
    return Buffer.concat([header, this.#bits])
  }

  has(text: string): boolean {
    return this.#bitsOf(text).every((bit) => ((this.#bits[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0)
  }

  /** Derives all hashes from the two halves of one digest (Kirsch and Mitzenmacher, 2006). */
  #bitsOf(text: string): number[] {
    const digest = createHash('sha256').update(text).digest()
    const [first, step] = [digest.readUInt32BE(0), digest.readUInt32BE(4)]
    return Array.from({ length: this.#hashes }, (_, index) => (first + index * step) % this.#size)
  }
}
