import { scryptSync, timingSafeEqual } from 'node:crypto'

/** Users as an example needs them: one, in memory. A real application has a table, and a hash like Argon2id. */
const users = new Map([
  ['ada@example.com', { id: 'user-1', roles: ['auditor'], password: hash('correct horse battery staple') }],
])

/**
 * The user with this e-mail address and password, if there is one.
 *
 * @param {unknown} email
 * @param {unknown} password
 */
export function findUser(email, password) {
  const user = users.get(String(email))
  // The same work whether or not the user exists, so that the time says nothing.
  const expected = user?.password ?? hash('nobody has this password')
  const matches = timingSafeEqual(hash(String(password)), expected)
  return matches ? user : undefined
}

/** @param {string} password */
function hash(password) {
  return scryptSync(password, 'a salt per user in a real application', 32)
}
