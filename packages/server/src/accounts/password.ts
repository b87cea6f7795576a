import { Problem } from '../problem.js'

const minLength = 12
const maxLength = 128

/** The spelling of a password that is hashed: NFC, so that two keyboards that compose letters differently agree (NIST SP 800-63B §3.1.1.2). */
export function normalisePassword(text: string): string {
  return text.normalize('NFC')
}

/** The password to be set, normalised. Length in Unicode code points is all that is asked. Throws `password_too_short`, `password_too_long`. */
export function checkNewPassword(text: string): string {
  const password = normalisePassword(text)
  const length = [...password].length
  if (!(length >= minLength)) throw new Problem('password_too_short')
  if (!(length <= maxLength)) throw new Problem('password_too_long')
  return password
}
