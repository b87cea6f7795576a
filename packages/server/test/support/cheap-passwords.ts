import { createPasswordHasher } from '../../src/accounts/password-hasher.js'

/** Creates the real hasher at its lowest cost, for tests of the code around it. */
export const cheapPasswords = () => createPasswordHasher({ cost: { memoryCost: 8, timeCost: 1, parallelism: 1 } })
