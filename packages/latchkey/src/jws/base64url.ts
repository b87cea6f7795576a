/** Base64url without padding (RFC 7515 §2) of bytes, or of a text's UTF-8. */
export function encodeBase64url(bytes: Uint8Array | string): string {
  if (typeof bytes === 'string') return Buffer.from(bytes, 'utf8').toString('base64url')
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')
}

/**
 * The bytes of canonical base64url: `undefined` for padding, white space, foreign characters, an impossible length, or unused bits
 * that are set (RFC 4648 §3.5), so that no two texts stand for the same bytes. Node's decoder is lenient in all of these, and cuts characters
 * beyond Latin-1 to their low byte; encoding again shows every one of them.
 */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}

/** Longest text that is decoded without allocating: no part of a token of the default size limit is longer. */
const maxBorrowedLength = 8192

// One buffer serves all calls; see `borrowBase64url`.
const borrowed = Buffer.alloc((maxBorrowedLength / 4) * 3)
/** Its first bytes, by their number: to make a view takes longer than to decode into one. */
const borrowedViews: (Buffer | undefined)[] = new Array(borrowed.length + 1).fill(undefined)

/**
 * As `decodeBase64url`, in a buffer that the next call writes over: for bytes that are read at once and not kept. That the text is canonical shows without encoding
 * it again: Node's decoder leaves out what it does not know, and then gives too few bytes; the two characters of the other alphabet that it knows are looked for,
 * and so are unused bits and characters beyond ASCII, of which it takes the low byte.
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

/** Characters that may end a text whose length is not a multiple of four: those that leave no unused bit set. By the remainder of the length. */
const lastCharacters = ['', '', 'AQgw', 'AEIMQUYcgkosw048']

function endsCanonically(text: string): boolean {
  const remainder = text.length & 3
  if (remainder === 0) return true
  return remainder !== 1 && lastCharacters[remainder]?.includes(text.charAt(text.length - 1)) === true
}
