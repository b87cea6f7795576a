import type { Core } from '../core.js'
import { GuessGuard } from './guess-guard.js'
import { type Protection, protectionOf, replaceableProtection } from './protection-keys.js'

/** The objects that limit guesses, and the keyed names under which they count. */
export interface ProtectionDomain extends Protection {
  readonly guesses: GuessGuard
}

/** Opens the protection against guesses under its stored key. */
export async function openProtection(core: Core): Promise<ProtectionDomain> {
  // The name of a stored key never changes.
  const key = await core.keys.storedKey('server:protection-key', protectionOf)
  const protection = replaceableProtection(key)
  return { ...protection, guesses: new GuessGuard(core, protection) }
}
