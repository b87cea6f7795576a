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
