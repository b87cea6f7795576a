import type { CommonPasswords } from './common-passwords.js'
import { hostWords, lengthWithoutContext } from './context-words.js'
import { accountFailures } from './failures.js'
import { normalisePassword } from './password.js'

/** Options of `PasswordPolicy`. */
export interface PasswordPolicyOptions {
  /** In Unicode code points. */
  readonly minLength: number
  readonly common: CommonPasswords
  /** Names of the service, which are no secret: they do not count towards the length. */
  readonly context: readonly string[]
}

/** What is known of whoever sets a password, and is tried by whoever guesses it. */
export interface PasswordOwner {
  readonly email: string
  readonly name?: string | null | undefined
}

const maxLength = 128

/**
 * Decides which passwords may be set (NIST SP 800-63B-4 §3.1.1.2): long ones that are not tried first. Names of the service and of the
 * owner do not count towards the length; otherwise a password may be made of anything.
 */
export class PasswordPolicy {
  readonly #options: PasswordPolicyOptions

  constructor(options: PasswordPolicyOptions) {
    this.#options = options
  }

  /** The password to be set, normalised. Throws `password_too_short`, `password_too_long`, `password_common`. */
  check(text: string, owner: PasswordOwner): string {
    const { minLength, common, context } = this.#options
    const password = normalisePassword(text)
    const length = [...password].length
    if (!(length >= minLength)) {
      throw accountFailures.refusal('password_too_short', {
        hint: `Choose one of at least ${minLength} characters; a few words will do.`,
      })
    }
    if (!(length <= maxLength)) throw accountFailures.refusal('password_too_long')
    if (common.has(password)) throw accountFailures.refusal('password_common')
    if (!(lengthWithoutContext(password, [...context, ...wordsAbout(owner)]) >= minLength)) {
      throw accountFailures.refusal('password_common', {
        hint: `Leave out the name of this service, your address and your name, or add to them: at least ${minLength} other characters are needed.`,
      })
    }
    return password
  }
}

function wordsAbout({ email, name }: PasswordOwner): string[] {
  const at = email.lastIndexOf('@')
  return [email, email.slice(0, at), hostWords(email.slice(at + 1)), name ?? '']
}
