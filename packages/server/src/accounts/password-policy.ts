import { Problem } from '../problem.js'
import type { CommonPasswords } from './common-passwords.js'
import { normalisePassword } from './password.js'

/** What `PasswordPolicy` works with. */
export interface PasswordPolicyOptions {
  /** In Unicode code points. */
  readonly minLength: number
  readonly common: CommonPasswords
}

/** What is known of whoever sets a password, and is tried by whoever guesses it. */
export interface PasswordOwner {
  readonly email: string
  readonly name?: string | null | undefined
}

const maxLength = 128

/** Which passwords may be set (NIST SP 800-63B-4 §3.1.1.2): long ones that nobody tries first. What they are made of is nobody's business. */
export class PasswordPolicy {
  readonly #options: PasswordPolicyOptions

  constructor(options: PasswordPolicyOptions) {
    this.#options = options
  }

  /** The password to be set, normalised. Throws `password_too_short`, `password_too_long`, `password_common`. */
  check(text: string, owner: PasswordOwner): string {
    const { minLength, common } = this.#options
    const password = normalisePassword(text)
    const length = [...password].length
    if (!(length >= minLength)) {
      throw new Problem('password_too_short', {
        hint: `Choose one of at least ${minLength} characters; a few words will do.`,
      })
    }
    if (!(length <= maxLength)) throw new Problem('password_too_long')
    if (isOf(owner, password) || common.has(password)) throw new Problem('password_common')
    return password
  }
}

function isOf({ email, name }: PasswordOwner, password: string): boolean {
  const given = [email, email.slice(0, email.lastIndexOf('@')), name ?? '']
  return given.some((text) => normalisePassword(text).toLowerCase() === password.toLowerCase())
}
