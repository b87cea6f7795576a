const alphabet = /^[A-Za-z0-9_-]*$/

/** Base64url without padding (RFC 7515 §2) of bytes, or of a text's UTF-8. */
export function encodeBase64url(bytes: Uint8Array | string): string {
  if (typeof bytes === 'string') return Buffer.from(bytes, 'utf8').toString('base64url')
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')
}

/** The bytes of canonical base64url; `undefined` for padding, white space, foreign characters or unused bits that are set. */
export function decodeBase64url(text: string): Buffer | undefined {
  if (!alphabet.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}
