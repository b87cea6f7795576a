import { createPasswordHasher } from '../../src/accounts/password-hasher.js'

/** The real hash at the least cost that it takes, for tests of what happens around it. */
export const cheapPasswords = () => createPasswordHasher({ cost: { memoryCost: 8, timeCost: 1, parallelism: 1 } })
