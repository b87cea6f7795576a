import { createPasswordHasher } from '../../src/accounts/password-hasher.js'
import { Peppers } from '../../src/accounts/peppers.js'

/** Creates the real hasher at its lowest cost, for tests of the code around it. */
export const cheapPasswords = (peppers?: string) =>
  createPasswordHasher({
    peppers: Peppers.parse(peppers),
    cost: { memoryCost: 8, timeCost: 1, parallelism: 1 },
  })
