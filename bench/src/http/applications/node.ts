import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import { requireAuth } from 'latchkey/node'
import type { Route } from '../messages.js'
import { type Parts, routesAt } from './application.js'
import { listen } from './listen.js'

/** Starts the applications without a framework, whose guards call the listener that they guard. */
export async function startNode({ latchkey, nextSubject }: Parts): Promise<readonly Route[]> {
  const open: RequestListener = (_req, res) => send(res, nextSubject())
  const listeners: readonly RequestListener[] = [
    open,
    async (req, res) => {
      await open(req, res)
    },
    requireAuth(latchkey, (_req, res, auth) => send(res, auth.subject)),
  ]
  return routesAt(await Promise.all(listeners.map((listener) => listen(createServer(listener)))))
}

function send(res: ServerResponse, id: string): void {
  res.setHeader('Content-Type', 'application/json')
  res.end(JSON.stringify({ id }))
}
