import { readConfiguration } from '../config/configuration.js'
import { openService } from '../service.js'
import { readPassword } from './read-password.js'
import type { Surroundings } from './surroundings.js'

/** `latchkey admin create <email>`: works beside a running server, which sees the change within its max staleness. */
export async function createAdmin(email: string, surroundings: Surroundings): Promise<void> {
  const configuration = readConfiguration(surroundings.env)
  const password = await readPassword(`Password for ${email}: `, surroundings)
  const service = await openService(configuration)
  try {
    const { account, created } = await service.accounts.createAdmin({ email, password })
    const done = created ? 'is a new administrator' : 'is an administrator now'
    surroundings.stdout.write(`${account.email} ${done} (account ${account.id}).\n`)
  } finally {
    await service.close()
  }
}
