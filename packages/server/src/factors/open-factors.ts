import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import { Challenges } from './challenges.js'
import { Passkeys } from './passkeys.js'
import { factorKeyring, TotpFactors } from './totp.js'
import { TrustedDevices } from './trusted-devices.js'

/** The objects behind second factors. */
export interface FactorsDomain {
  readonly challenges: Challenges
  readonly totp: TotpFactors
  readonly passkeys: Passkeys
  readonly trustedDevices: TrustedDevices
}

/** Opens the factors under their stored key. */
export async function openFactors(core: Core, configuration: Configuration): Promise<FactorsDomain> {
  // The name of a stored key never changes.
  const key = await core.keys.storedKey('server:factor-key', factorKeyring)
  const challenges = new Challenges(core)
  return {
    challenges,
    totp: new TotpFactors(core, key),
    passkeys: new Passkeys(core, { challenges }, configuration),
    trustedDevices: new TrustedDevices(core, configuration),
  }
}
