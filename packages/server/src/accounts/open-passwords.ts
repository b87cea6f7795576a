import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import { readCommonPasswords } from './common-passwords.js'
import { hostWords } from './context-words.js'
import { checkPeppers, createPasswordHasher, type PasswordHasher } from './password-hasher.js'
import { PasswordPolicy } from './password-policy.js'
import { type OnQueueRefusal, PasswordQueue, type PasswordQueueOptions } from './password-queue.js'
import { Peppers } from './peppers.js'

/** The queue that hashes passwords, and the policy for new ones. */
export interface PasswordDomain {
  readonly passwords: PasswordQueue
  readonly passwordPolicy: PasswordPolicy
}

/** The observer of refusals, and parts that tests replace. */
export interface PasswordParts {
  readonly onRefusal: OnQueueRefusal
  readonly hasher?: PasswordHasher | undefined
  readonly queue?: PasswordQueueOptions | undefined
}

/**
 * Opens the password queue and policy.
 *
 * @throws StartupFailure `pepper_missing`
 */
export async function openPasswords(
  { store }: Core,
  configuration: Configuration,
  { onRefusal, hasher, queue }: PasswordParts,
): Promise<PasswordDomain> {
  const peppers = Peppers.parse(configuration.passwordPeppers)
  await checkPeppers(store, peppers)
  const passwordPolicy = new PasswordPolicy({
    minLength: configuration.passwordMinLength,
    common: readCommonPasswords(),
    context: serviceNames(configuration),
  })
  return {
    passwords: new PasswordQueue(hasher ?? (await createPasswordHasher({ peppers })), queue, onRefusal),
    passwordPolicy,
  }
}

/** Returns the names of the service that its configuration contains. */
function serviceNames({ issuer, mail }: Configuration): string[] {
  const hosts = [issuer, mail.linkBase].map((url) => hostWords(new URL(url).hostname))
  return ['latchkey', mail.from.name, ...hosts]
}
