import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { requireAuth } from 'latchkey/hono'
import { outcomeOf, served } from '../served.js'

export const peer = 'hono'
export const outcome = () =>
  outcomeOf((latchkey) => {
    const app = new Hono()
    app.get('/me', requireAuth(latchkey), (c) => c.json({ id: c.get('auth').subject }))
    return served(createAdaptorServer({ fetch: app.fetch }) as Server)
  })
