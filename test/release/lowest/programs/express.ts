import { createServer } from 'node:http'
import express from 'express'
import { requireAuth } from 'latchkey/express'
import { outcomeOf, served } from '../served.js'

export const peer = 'express'
export const outcome = () =>
  outcomeOf((latchkey) => {
    const app = express()
    app.get('/me', requireAuth(latchkey), (req, res) => {
      const id: string = req.auth.subject
      res.json({ id })
    })
    // @ts-expect-error: no guard, no identity
    app.get('/open', (req, res) => res.json({ id: req.auth.subject }))
    return served(createServer(app))
  })
