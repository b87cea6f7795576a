import { createRequire } from 'node:module'
import { afterEach, expect, it } from 'vitest'
import { login, register } from '../../support/people.js'
import { startServer, type TestServer } from '../../support/start-server.js'

// This file does not import the package itself: the process must have loaded none of it.
const { cache } = createRequire(import.meta.url)
const isLoaded = (name: string) => Object.keys(cache).some((path) => path.includes(`/node_modules/${name}/`))

let running: TestServer | undefined
afterEach(() => running?.stop())

it('bcrypt is loaded when a hash made by it is checked, not by a start or any other login', async () => {
  running = await startServer({ database: 'sqlite' })
  const { email } = await register(running)
  await login(running, email)
  await expect(login(running, email, 'a wrong password')).rejects.toThrow('invalid_credentials')
  expect([isLoaded('@node-rs/argon2'), isLoaded('@node-rs/bcrypt')]).toEqual([true, false])

  // A vector of John the Ripper, as an import stores it.
  const imported = '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'
  await running.server.service.store.query('update server_accounts set password_hash = $1 where email = $2', [
    imported,
    email,
  ])
  await login(running, email, 'U*U')
  expect(isLoaded('@node-rs/bcrypt')).toBe(true)
})
