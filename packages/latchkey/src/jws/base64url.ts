/** Returns bytes, or the UTF-8 of a text, as base64url without padding (RFC 7515 §2). */
export function encodeBase64url(bytes: Uint8Array | string): string {
  if (typeof bytes === 'string') return Buffer.from(bytes, 'utf8').toString('base64url')
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')
}

/**
 * Returns the bytes of a canonical base64url text, or `undefined` if the text has padding, white
 * space, characters outside the alphabet, an impossible length, or unused bits that are set
 * (RFC 4648 §3.5). No two texts decode to the same bytes.
 *
 * Node's decoder accepts all of these, and takes the low byte of characters beyond Latin-1.
 * Encoding the bytes again shows the difference.
 */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}

/**
 * The longest text that is decoded without allocation: a token within the default size limit fits.
 */
const maxBorrowedLength = 8192

// All calls share one buffer; see `borrowBase64url`.
const borrowed = Buffer.alloc((maxBorrowedLength / 4) * 3)
/** Views of the first n bytes, by n: creating a view takes longer than decoding into one. */
const borrowedViews: (Buffer | undefined)[] = new Array(borrowed.length + 1).fill(undefined)

/**
 * Returns the same as `decodeBase64url`, in a buffer that the next call overwrites. The caller must
 * read the bytes at once and must not keep them.
 *
 * The check needs no second encoding. Node's decoder skips characters outside the alphabet, so the
 * byte count is too small; `+` and `/`, unused bits, and characters beyond ASCII are checked one by
 * one.
 */
export function borrowBase64url(text: string): Buffer | undefined {
  if (text.length > maxBorrowedLength) return decodeBase64url(text)
  const length = borrowed.write(text, 'base64url')
  if (length !== (text.length * 3) >> 2 || text.includes('+') || text.includes('/')) return undefined
  if (!endsCanonically(text) || Buffer.byteLength(text) !== text.length) return undefined
  const bytes = borrowedViews[length] ?? borrowed.subarray(0, length)
  borrowedViews[length] = bytes
  return bytes
}

/** The last characters that leave no unused bit set, by the remainder of the length modulo four. */
const lastCharacters = ['', '', 'AQgw', 'AEIMQUYcgkosw048']

function endsCanonically(text: string): boolean {
  const remainder = text.length & 3
  if (remainder === 0) return true
  return remainder !== 1 && lastCharacters[remainder]?.includes(text.charAt(text.length - 1)) === true
}
