import { refusal } from '../errors.js'

/** The `typ` of access tokens (RFC 9068 §2.1). Other JWTs signed by the same keys are refused. */
export const TOKEN_TYPE = 'at+jwt'

/**
 * Checks that `typ` is `at+jwt` or `application/at+jwt`, ignoring case (RFC 9068 §4, RFC 7515
 * §4.1.9).
 *
 * @throws LatchkeyError `type_mismatch`
 */
export function checkTokenType(typ: string | undefined): void {
  const type = typ?.toLowerCase()
  if (type !== TOKEN_TYPE && type !== `application/${TOKEN_TYPE}`) throw refusal('type_mismatch')
}
