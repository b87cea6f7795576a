import { refusal } from '../errors.js'

/** What the header of every token says it is (RFC 9068 §2.1), so that no other JWT of the same keys passes for an access token. */
export const TOKEN_TYPE = 'at+jwt'

/** Throws `type_mismatch` unless this is `at+jwt` or `application/at+jwt`, in any case (RFC 9068 §4, RFC 7515 §4.1.9). */
export function checkTokenType(typ: string | undefined): void {
  const type = typ?.toLowerCase()
  if (type !== TOKEN_TYPE && type !== `application/${TOKEN_TYPE}`) throw refusal('type_mismatch')
}
