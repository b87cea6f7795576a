import express from 'express'
import { expressjwt } from 'express-jwt'
import jwt from 'jsonwebtoken'

const secret = process.env.JWT_SECRET
const app = express()
app.post('/sign-in', (_req, res) => res.json({ token: jwt.sign({ sub: 'ada' }, secret, { expiresIn: '15m' }) }))
app.get('/me', expressjwt({ secret, algorithms: ['HS256'] }), (req, res) => res.json({ id: req.auth.sub }))
app.listen(process.env.PORT)
