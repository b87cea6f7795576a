import { refusal } from '../errors.js'

/** What every token says it is (RFC 9068 §2.1). */
export const TOKEN_TYPE = 'at+jwt'

export function checkTokenType(typ: string | undefined): void {
  const type = typ?.toLowerCase()
  if (type !== TOKEN_TYPE && type !== `application/${TOKEN_TYPE}`) throw refusal('type_mismatch')
}
