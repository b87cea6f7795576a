import { scryptSync, timingSafeEqual } from 'node:crypto'

/**
 * One user in memory. A real application has a table of users, and a password hash like Argon2id.
 */
const users = new Map([['ada@example.com', { id: 'user-1', password: hash('correct horse battery staple') }]])

/**
 * Returns the user with this e-mail address and password, if there is one.
 *
 * @param {unknown} email
 * @param {unknown} password
 */
export function findUser(email, password) {
  const user = users.get(String(email))
  // Hashes a password for an unknown user as well, so that timing does not reveal which users
  // exist.
  const expected = user?.password ?? hash('a password that no user has')
  const matches = timingSafeEqual(hash(String(password)), expected)
  return matches ? user : undefined
}

/** @param {string} password */
function hash(password) {
  return scryptSync(password, 'a salt per user in a real application', 32)
}
