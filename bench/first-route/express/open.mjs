import express from 'express'

const app = express()
app.post('/sign-in', (_req, res) => res.json({ token: '' }))
app.get('/me', (_req, res) => res.json({ id: 'guest' }))
app.listen(process.env.PORT)
