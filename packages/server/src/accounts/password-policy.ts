import type { CommonPasswords } from './common-passwords.js'
import { hostWords, lengthWithoutContext } from './context-words.js'
import { accountFailures } from './failures.js'
import { normalisePassword } from './password.js'

/** Options of `PasswordPolicy`. */
export interface PasswordPolicyOptions {
  /** In Unicode code points. */
  readonly minLength: number
  readonly common: CommonPasswords
  /** Names of the service. They are public, so that they do not count towards the length. */
  readonly context: readonly string[]
}

/** The data of a password's owner that an attacker would try. */
export interface PasswordOwner {
  readonly email: string
  readonly name?: string | null | undefined
}

const maxLength = 128

/**
 * Accepts passwords that are long enough and not among the first guesses (NIST SP 800-63B-4
 * §3.1.1.2). Names of the service and of the owner do not count towards the length. There are no
 * rules about kinds of characters.
 */
export class PasswordPolicy {
  readonly #options: PasswordPolicyOptions

  constructor(options: PasswordPolicyOptions) {
    this.#options = options
  }

  /**
   * Returns the normalised password.
   *
   * @throws Problem `password_too_short`, `password_too_long`, `password_common`
   */
  check(text: string, owner: PasswordOwner): string {
    const { minLength, common, context } = this.#options
    const password = normalisePassword(text)
    const length = [...password].length
    if (!(length >= minLength)) {
      throw accountFailures.refusal('password_too_short', {
        hint: `Choose one of at least ${minLength} characters, such as a few words.`,
      })
    }
    if (!(length <= maxLength)) throw accountFailures.refusal('password_too_long')
    if (common.has(password)) throw accountFailures.refusal('password_common')
    if (!(lengthWithoutContext(password, [...context, ...wordsAbout(owner)]) >= minLength)) {
      throw accountFailures.refusal('password_common', {
        hint: `Omit the name of this service, your address and your name, or add at least ${minLength} other characters.`,
      })
    }
    return password
  }
}

function wordsAbout({ email, name }: PasswordOwner): string[] {
  const at = email.lastIndexOf('@')
  return [email, email.slice(0, at), hostWords(email.slice(at + 1)), name ?? '']
}
