import { once } from 'node:events'
import type { Server } from 'node:http'
import { portOf } from './application.js'

/** Starts a server on a free port of this machine, and returns the port. */
export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return portOf(server.address())
}
